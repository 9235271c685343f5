package loupegrpc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	loupev1 "loupegrpc/loupe/v1"
)

// root is the checkout's folder.
func root(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("LOUPE_ROOT")
	if folder == "" {
		folder = filepath.Join("..", "..")
	}
	return folder
}

type maskCase struct {
	Name          string
	Height, Width int
	Counts        string
	Area          int
	Bbox          []float64
	Bits          string
}

func maskCases(t *testing.T, file string) []maskCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), file))
	if err != nil {
		t.Fatal(err)
	}
	var cases []maskCase
	if err := json.Unmarshal(text, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%s has %d cases: %v", file, len(cases), err)
	}
	return cases
}

func TestMasksAreThoseOfPycocotools(t *testing.T) {
	for _, golden := range maskCases(t, "tests/data/rle/cases.json") {
		t.Run(golden.Name, func(t *testing.T) {
			packed, err := base64.StdEncoding.DecodeString(golden.Bits)
			if err != nil {
				t.Fatal(err)
			}
			pixels := make([]byte, golden.Height*golden.Width)
			for i := range pixels {
				pixels[i] = packed[i/8] >> (7 - i%8) & 1
			}
			mask := RleMask{golden.Height, golden.Width, golden.Counts}
			bitmap, err := mask.Bitmap()
			if err != nil || !bytes.Equal(bitmap.Pixels, pixels) {
				t.Errorf("other pixels: %v", err)
			}
			if area, err := mask.Area(); err != nil || area != golden.Area {
				t.Errorf("area %d instead of %d: %v", area, golden.Area, err)
			}
			box, err := mask.Box()
			if found := []float64{float64(box.Min.X), float64(box.Min.Y), float64(box.Dx()), float64(box.Dy())}; err != nil || !reflect.DeepEqual(found, golden.Bbox) {
				t.Errorf("box %v instead of %v: %v", found, golden.Bbox, err)
			}
			if encoded, err := (Bitmap{golden.Height, golden.Width, pixels}).Rle(); err != nil || encoded != mask {
				t.Errorf("encoded as %+v: %v", encoded, err)
			}
		})
	}
}

func TestWhatIsNoMaskIsRefused(t *testing.T) {
	for _, refused := range maskCases(t, "clients/scenario/refused-masks.json") {
		mask := RleMask{refused.Height, refused.Width, refused.Counts}
		_, bitmap := mask.Bitmap()
		_, area := mask.Area()
		_, box := mask.Box()
		if bitmap == nil || area == nil || box == nil {
			t.Errorf("%s: taken as a mask", refused.Name)
		}
	}
	for _, mask := range []RleMask{{-1, 5, ""}, {0, 0, "o"}, {0, 5, "S1"}} {
		if _, err := mask.Bitmap(); err == nil {
			t.Errorf("%+v is taken as a mask", mask)
		}
	}
	if _, err := (Bitmap{2, 2, make([]byte, 3)}).Rle(); err == nil {
		t.Error("3 pixels are taken as 2x2")
	}
	for _, message := range []*loupev1.Mask{{}, {Data: &loupev1.Mask_Rle{Rle: &loupev1.CocoRle{Size: []uint32{3}}}}, {Data: &loupev1.Mask_Png{Png: []byte("x")}}} {
		mask := &Mask{message}
		if _, err := mask.Bitmap(); err == nil {
			t.Errorf("%v is taken as a mask", message)
		}
		if _, err := mask.Box(); err == nil {
			t.Errorf("%v has a box", message)
		}
	}
}

func TestPNGMasksAreRead(t *testing.T) {
	soft := image.NewGray(image.Rect(0, 0, 3, 2))
	copy(soft.Pix, []byte{0, 127, 128, 255, 3, 200})
	var file bytes.Buffer
	if err := png.Encode(&file, soft); err != nil {
		t.Fatal(err)
	}
	mask := &Mask{&loupev1.Mask{Data: &loupev1.Mask_SoftPng{SoftPng: file.Bytes()}}}
	bitmap, err := mask.Bitmap()
	if err != nil || !bytes.Equal(bitmap.Pixels, []byte{0, 0, 1, 1, 0, 1}) {
		t.Errorf("%v: %v", bitmap, err)
	}
	if box, err := mask.Box(); err != nil || box != image.Rect(0, 0, 3, 2) {
		t.Errorf("%v: %v", box, err)
	}
}

func TestPicturesBecomePixels(t *testing.T) {
	colour := image.NewRGBA(image.Rect(5, 5, 7, 6))
	colour.Set(5, 5, color.RGBA{1, 2, 3, 255})
	colour.Set(6, 5, color.NRGBA{200, 100, 50, 128})
	raw := FromImage(colour)
	if raw.Format.PixelFormat != RGB24 || raw.Format.Width != 2 || raw.Format.Height != 1 || !bytes.Equal(raw.Pixels[:3], []byte{1, 2, 3}) || raw.Pixels[3] < 198 {
		t.Errorf("%+v %v", raw.Format, raw.Pixels)
	}
	gray := image.NewGray(image.Rect(0, 0, 4, 4))
	copy(gray.Pix, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
	view := FromImage(gray.SubImage(image.Rect(1, 1, 3, 3)))
	if view.Format.PixelFormat != GRAY8 || !bytes.Equal(view.Pixels, []byte{5, 6, 9, 10}) {
		t.Errorf("%+v %v", view.Format, view.Pixels)
	}
	video := image.NewYCbCr(image.Rect(0, 0, 3, 3), image.YCbCrSubsampleRatio420)
	copy(video.Y, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	copy(video.Cb, []byte{10, 11, 12, 13})
	copy(video.Cr, []byte{20, 21, 22, 23})
	planes := FromImage(video)
	if planes.Format.PixelFormat != I420 || planes.Format.YuvRange != YuvFull || !bytes.Equal(planes.Pixels, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 20, 21, 22, 23}) {
		t.Errorf("%+v %v", planes.Format, planes.Pixels)
	}
	if odd := FromImage(video.SubImage(image.Rect(1, 1, 3, 3))); odd.Format.PixelFormat != RGB24 || len(odd.Pixels) != 12 {
		t.Errorf("%+v", odd.Format)
	}
}

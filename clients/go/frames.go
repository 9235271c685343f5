package loupegrpc

import (
	"fmt"
	"image"
	"image/draw"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	loupev1 "loupegrpc/loupe/v1"
)

// Image is a picture: a File, Encoded bytes, or Raw pixels (FromImage makes those of an image.Image).
type Image interface {
	// read gives the bytes, and how raw pixels lie; a file is read here.
	read() (picture, error)
}

// picture is what goes over the wire.
type picture struct {
	data   []byte
	raw    bool
	format *loupev1.FrameFormat
}

// File is the path of a picture file: JPEG, PNG, WebP, BMP, TIFF, and what else the server reads.
type File string

// Encoded is the bytes of a picture file.
type Encoded []byte

// Raw is uncompressed pixels, 8 bits a sample: the planes one behind the other, each of its stride times its rows.
type Raw struct {
	Pixels []byte
	// Format, where nil, is the session's SessionOptions.FrameFormat.
	Format *FrameFormat
}

// FrameFormat says how pixels lie in memory.
type FrameFormat struct {
	PixelFormat PixelFormat
	// Pixels.
	Width, Height int
	// Strides are the bytes from one row to the next, one number a plane. Default: no padding.
	Strides []int
	// How NV12, I420 and YUYV were made from RGB. Default: BT.601, limited range.
	YuvMatrix YuvMatrix
	YuvRange  YuvRange
}

// Frame is a picture with what the session is to know about it.
type Frame struct {
	Image Image
	// ID is the caller's own number, echoed; any 64 bits, duplicates are allowed. Default (nil): how many frames the session was given before.
	ID *uint64
	// CaptureTime is for the summary's timeline. Default (zero): not known.
	CaptureTime time.Time
	// Deadline is how long after its receipt the outcome is of use; later it is Expired. Default (0): for ever.
	Deadline time.Duration
}

// ID is for Frame.ID.
func ID(number uint64) *uint64 { return &number }

func (f File) read() (picture, error) {
	data, err := os.ReadFile(string(f))
	return picture{data: data}, err
}

func (e Encoded) read() (picture, error) { return picture{data: e}, nil }

func (r Raw) read() (picture, error) {
	format, err := r.Format.message()
	return picture{data: r.Pixels, raw: true, format: format}, err
}

func (f *FrameFormat) message() (*loupev1.FrameFormat, error) {
	if f == nil {
		return nil, nil
	}
	message := &loupev1.FrameFormat{PixelFormat: f.PixelFormat, YuvMatrix: f.YuvMatrix, YuvRange: f.YuvRange}
	for _, size := range append([]int{f.Width, f.Height}, f.Strides...) {
		if size < 0 || int64(size) > 1<<32-1 {
			return nil, fmt.Errorf("%d is no size of a picture or stride of its rows", size)
		}
	}
	message.Width, message.Height = uint32(f.Width), uint32(f.Height)
	for _, stride := range f.Strides {
		message.Strides = append(message.Strides, uint32(stride))
	}
	return message, nil
}

// FromImage makes Raw pixels of what image.Decode and cameras give: Y'CbCr at 4:2:0 goes over as it is (I420, full range), gray as GRAY8,
// everything else as RGB24 without its alpha. The pixels are copied.
func FromImage(source image.Image) Raw {
	bounds := source.Bounds()
	width, height := bounds.Dx(), bounds.Dy()
	format := &FrameFormat{Width: width, Height: height}
	switch typed := source.(type) {
	case *image.Gray:
		format.PixelFormat = GRAY8
		pixels := make([]byte, 0, width*height)
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			pixels = append(pixels, typed.Pix[typed.PixOffset(bounds.Min.X, y):][:width]...)
		}
		return Raw{pixels, format}
	case *image.YCbCr:
		// A view that begins in the middle of a pair of pixels has no chroma of its own.
		if typed.SubsampleRatio == image.YCbCrSubsampleRatio420 && bounds.Min.X%2 == 0 && bounds.Min.Y%2 == 0 {
			format.PixelFormat, format.YuvRange = I420, YuvFull
			halfWidth, halfHeight := (width+1)/2, (height+1)/2
			pixels := make([]byte, 0, width*height+2*halfWidth*halfHeight)
			for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
				pixels = append(pixels, typed.Y[typed.YOffset(bounds.Min.X, y):][:width]...)
			}
			for _, plane := range [][]byte{typed.Cb, typed.Cr} {
				for y := 0; y < halfHeight; y++ {
					pixels = append(pixels, plane[typed.COffset(bounds.Min.X, bounds.Min.Y+2*y):][:halfWidth]...)
				}
			}
			return Raw{pixels, format}
		}
	}
	format.PixelFormat = RGB24
	straight, ok := source.(*image.NRGBA)
	if !ok {
		straight = image.NewNRGBA(bounds)
		draw.Draw(straight, bounds, source, bounds.Min, draw.Src)
	}
	pixels := make([]byte, 0, 3*width*height)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		row := straight.Pix[straight.PixOffset(bounds.Min.X, y):][:4*width]
		for x := 0; x < len(row); x += 4 {
			pixels = append(pixels, row[x], row[x+1], row[x+2])
		}
	}
	return Raw{pixels, format}
}

func readImage(source Image) (picture, error) {
	if source == nil {
		return picture{}, fmt.Errorf("the frame has no image")
	}
	return source.read()
}

func (f Frame) message(id uint64, read picture) *loupev1.AnalyzeRequest {
	message := &loupev1.Frame{FrameId: id}
	if !f.CaptureTime.IsZero() {
		message.CaptureTime = timestamppb.New(f.CaptureTime)
	}
	if f.Deadline != 0 {
		message.Deadline = durationpb.New(f.Deadline)
	}
	if read.raw {
		message.Image = &loupev1.Frame_Raw{Raw: &loupev1.RawImage{Format: read.format, Data: read.data}}
	} else {
		message.Image = &loupev1.Frame_Encoded{Encoded: &loupev1.EncodedImage{Data: read.data}}
	}
	return &loupev1.AnalyzeRequest{Payload: &loupev1.AnalyzeRequest_Frame{Frame: message}}
}

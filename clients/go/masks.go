package loupegrpc

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	loupev1 "loupegrpc/loupe/v1"
)

const (
	// Most pixels of a mask that is decoded; a size in a message costs nothing to write.
	maxPixels = 1 << 31
	// Characters of the longest number that is read; what is longer does not fit any picture.
	maxCharacters = 10
)

// RleMask is a mask as COCO's compressed run lengths, byte-identical to pycocotools: column by column, the first run of zeros.
type RleMask struct {
	Height, Width int
	Counts        string
}

// Bitmap is a mask's pixels row by row, a byte a pixel: 1 where forged, else 0.
type Bitmap struct {
	Height, Width int
	Pixels        []byte
}

// Runs are the lengths of the runs, the first of zeros. An error where they do not fill the picture exactly, or are none.
func (m RleMask) Runs() ([]int, error) {
	if m.Height < 0 || m.Width < 0 || m.Height > maxPixels || m.Width > maxPixels || int64(m.Height)*int64(m.Width) > maxPixels {
		return nil, fmt.Errorf("a mask of %dx%d pixels is too large to decode", m.Width, m.Height)
	}
	numbers, err := readNumbers(m.Counts)
	if err != nil {
		return nil, err
	}
	total := int64(m.Height) * int64(m.Width)
	left := total
	runs := make([]int, 0, len(numbers))
	for i, length := range numbers {
		if i > 2 {
			length += int64(runs[i-2])
		}
		if length < 0 || length > left {
			return nil, fmt.Errorf("run %d of the mask has %d pixels, %d are left of %dx%d", i, length, left, m.Width, m.Height)
		}
		left -= length
		runs = append(runs, int(length))
	}
	if left > 0 {
		return nil, fmt.Errorf("the runs of the mask end after %d of %dx%d pixels", total-left, m.Width, m.Height)
	}
	return runs, nil
}

// Bitmap decodes. An error as in Runs.
func (m RleMask) Bitmap() (Bitmap, error) {
	runs, err := m.Runs()
	if err != nil {
		return Bitmap{}, err
	}
	pixels := make([]byte, m.Height*m.Width)
	position := 0
	for i, length := range runs {
		if i%2 == 1 {
			column, row := position/m.Height, position%m.Height
			for left := length; left > 0; left-- {
				pixels[row*m.Width+column] = 1
				if row++; row == m.Height {
					column, row = column+1, 0
				}
			}
		}
		position += length
	}
	return Bitmap{m.Height, m.Width, pixels}, nil
}

// Area is the number of forged pixels. An error as in Runs.
func (m RleMask) Area() (int, error) {
	runs, err := m.Runs()
	area := 0
	for i := 1; i < len(runs); i += 2 {
		area += runs[i]
	}
	return area, err
}

// Box is the smallest box around the forged pixels; empty where there are none. An error as in Runs.
func (m RleMask) Box() (image.Rectangle, error) {
	runs, err := m.Runs()
	if err != nil {
		return image.Rectangle{}, err
	}
	var box image.Rectangle
	position := 0
	for i, length := range runs {
		if i%2 == 1 && length > 0 {
			last := position + length - 1
			run := image.Rect(position/m.Height, position%m.Height, last/m.Height+1, last%m.Height+1)
			if position/m.Height != last/m.Height {
				// It goes on into the next column, so it touches both the bottom and the top.
				run = image.Rect(position/m.Height, 0, last/m.Height+1, m.Height)
			}
			box = box.Union(run)
		}
		position += length
	}
	return box, nil
}

// Rle encodes; forged is what is not 0. An error where the pixels are not Height times Width.
func (b Bitmap) Rle() (RleMask, error) {
	if b.Height < 0 || b.Width < 0 || len(b.Pixels) != b.Height*b.Width {
		return RleMask{}, fmt.Errorf("%d pixels are no mask of %dx%d", len(b.Pixels), b.Width, b.Height)
	}
	var runs []int
	forged, length := false, 0
	for column := 0; column < b.Width; column++ {
		for row := 0; row < b.Height; row++ {
			if pixel := b.Pixels[row*b.Width+column] != 0; pixel != forged {
				runs = append(runs, length)
				forged, length = pixel, 0
			}
			length++
		}
	}
	runs = append(runs, length)
	var counts strings.Builder
	for i, run := range runs {
		if i > 2 {
			run -= runs[i-2]
		}
		writeNumber(&counts, run)
	}
	return RleMask{b.Height, b.Width, counts.String()}, nil
}

// Image is the mask as a picture: 255 where forged.
func (b Bitmap) Image() *image.Gray {
	picture := image.NewGray(image.Rect(0, 0, b.Width, b.Height))
	for i, pixel := range b.Pixels {
		if pixel != 0 && i < len(picture.Pix) {
			picture.Pix[i] = 255
		}
	}
	return picture
}

func readNumbers(counts string) ([]int64, error) {
	var numbers []int64
	var value int64
	digits := 0
	for i := 0; i < len(counts); i++ {
		bits := int64(counts[i]) - 48
		if bits < 0 || bits > 63 {
			return nil, fmt.Errorf("%q is not a character of run lengths", counts[i])
		}
		value |= (bits & 0x1f) << (5 * digits)
		digits++
		if bits&0x20 != 0 {
			if digits == maxCharacters {
				return nil, errors.New("a run length does not fit 50 bits")
			}
			continue
		}
		if bits&0x10 != 0 {
			value -= 1 << (5 * digits)
		}
		numbers = append(numbers, value)
		value, digits = 0, 0
	}
	if digits > 0 {
		return nil, errors.New("the run lengths stop in the middle of a number")
	}
	return numbers, nil
}

func writeNumber(counts *strings.Builder, number int) {
	for {
		bits := number & 0x1f
		number >>= 5
		// Done where the sign is told by the last five bits.
		if (number == 0 && bits&0x10 == 0) || (number == -1 && bits&0x10 != 0) {
			counts.WriteByte(byte(bits + 48))
			return
		}
		counts.WriteByte(byte((bits | 0x20) + 48))
	}
}

// Mask says where a picture was forged, in stored pixels.
type Mask struct {
	// Message is as it came.
	Message *loupev1.Mask
}

// Area is the number of forged pixels, as the server counted them.
func (m *Mask) Area() uint64 { return m.Message.GetArea() }

// Rle are the run lengths. An error where another encoding was asked for.
func (m *Mask) Rle() (RleMask, error) {
	rle := m.Message.GetRle()
	if rle == nil {
		return RleMask{}, errors.New("the mask is no run lengths")
	}
	if len(rle.Size) != 2 {
		return RleMask{}, fmt.Errorf("the mask's size has %d numbers; it must be [height, width]", len(rle.Size))
	}
	return RleMask{int(rle.Size[0]), int(rle.Size[1]), rle.Counts}, nil
}

// Bitmap decodes the mask, whatever its encoding. An error where it is damaged.
func (m *Mask) Bitmap() (Bitmap, error) {
	if m.Message.GetRle() != nil {
		rle, err := m.Rle()
		if err != nil {
			return Bitmap{}, err
		}
		return rle.Bitmap()
	}
	soft, err := m.Soft()
	if err != nil {
		return Bitmap{}, err
	}
	pixels := make([]byte, len(soft.Pix))
	for i, value := range soft.Pix {
		pixels[i] = value >> 7
	}
	return Bitmap{soft.Rect.Dy(), soft.Rect.Dx(), pixels}, nil
}

// Soft is the soft map where MaskSoftPNG was asked for; of other masks 0 and 255.
func (m *Mask) Soft() (*image.Gray, error) {
	var data []byte
	switch typed := m.Message.GetData().(type) {
	case *loupev1.Mask_Rle:
		bitmap, err := m.Bitmap()
		if err != nil {
			return nil, err
		}
		return bitmap.Image(), nil
	case *loupev1.Mask_Png:
		data = typed.Png
	case *loupev1.Mask_SoftPng:
		data = typed.SoftPng
	default:
		return nil, errors.New("the mask has an encoding that this client does not know")
	}
	header, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the mask is no PNG: %w", err)
	}
	if int64(header.Width)*int64(header.Height) > maxPixels {
		return nil, fmt.Errorf("a mask of %dx%d pixels is too large to decode", header.Width, header.Height)
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("the mask is no PNG: %w", err)
	}
	if gray, ok := decoded.(*image.Gray); ok && gray.Stride == gray.Rect.Dx() {
		return gray, nil
	}
	bounds := decoded.Bounds()
	gray := image.NewGray(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	for y := 0; y < bounds.Dy(); y++ {
		for x := 0; x < bounds.Dx(); x++ {
			gray.SetGray(x, y, color.GrayModel.Convert(decoded.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.Gray))
		}
	}
	return gray, nil
}

// Box is the smallest box around the forged pixels; empty where there are none.
func (m *Mask) Box() (image.Rectangle, error) {
	if m.Message.GetRle() != nil {
		rle, err := m.Rle()
		if err != nil {
			return image.Rectangle{}, err
		}
		return rle.Box()
	}
	bitmap, err := m.Bitmap()
	if err != nil {
		return image.Rectangle{}, err
	}
	rle, err := bitmap.Rle()
	if err != nil {
		return image.Rectangle{}, err
	}
	return rle.Box()
}

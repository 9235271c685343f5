# frozen_string_literal: true

# Masks as COCO's compressed run lengths (pycocotools'): column by column, the first run of zeros.
module Masks
  # Most pixels of a mask that is decoded; a size in a message costs nothing to write.
  MAX_PIXELS = 1 << 31

  # The lengths of the runs, the first of zeros. ArgumentError where they do not fill the picture exactly, or are none.
  def self.runs(height, width, counts)
    left = height * width
    raise ArgumentError, "#{width}x#{height} pixels cannot be decoded" if height.negative? || width.negative? || left > MAX_PIXELS

    runs = numbers(counts)
    runs.each_index do |i|
      runs[i] += runs[i - 2] if i > 2
      raise ArgumentError, "run #{i} of the mask has #{runs[i]} pixels, #{left} are left" unless runs[i].between?(0, left)

      left -= runs[i]
    end
    raise ArgumentError, "the runs of the mask end #{left} pixels too early" if left.positive?

    runs
  end

  # A string with a byte a pixel, row by row: 1 where forged, else 0.
  def self.pixels(height, width, counts)
    lengths = runs(height, width, counts)
    columns = String.new(capacity: height * width)
    lengths.each_with_index { |length, i| columns << (i.odd? ? "\x01" : "\x00") * length }
    Array.new(height) { |row| Array.new(width) { |column| columns.getbyte(column * height + row) } }.flatten.pack('C*')
  end

  # The number of forged pixels.
  def self.area(height, width, counts)
    runs(height, width, counts).each_with_index.sum { |length, i| i.odd? ? length : 0 }
  end

  def self.numbers(counts)
    numbers = []
    value = shift = 0
    counts.each_byte do |byte|
      bits = byte - 48
      raise ArgumentError, "#{byte.chr.inspect} is no character of run lengths" unless bits.between?(0, 63)

      value |= (bits & 0x1f) << shift
      shift += 5
      next raise_if_long(shift) if bits.anybits?(0x20)

      value -= 1 << shift if bits.anybits?(0x10)
      numbers << value
      value = shift = 0
    end
    raise ArgumentError, 'the run lengths stop in the middle of a number' if shift.positive?

    numbers
  end
  private_class_method :numbers

  def self.raise_if_long(shift)
    raise ArgumentError, 'a run length does not fit 50 bits' if shift >= 50
  end
  private_class_method :raise_if_long
end

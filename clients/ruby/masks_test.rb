# frozen_string_literal: true

# The table of masks that every decoder passes: ruby masks_test.rb CHECKOUT. Prints how many cases did.
require 'json'
require_relative 'masks'

root = ARGV.fetch(0)
golden = JSON.parse(File.read("#{root}/tests/data/rle/cases.json"))
refused = JSON.parse(File.read("#{root}/clients/scenario/refused-masks.json"))
abort 'no cases' if golden.empty? || refused.empty?

golden.each do |mask|
  size = mask.values_at('height', 'width')
  bits = mask['bits'].unpack1('m').unpack1('B*')[0, size.inject(:*)]
  same = Masks.pixels(*size, mask['counts']).unpack('C*').join == bits && Masks.area(*size, mask['counts']) == mask['area']
  abort "#{mask['name']}: other pixels" unless same
end
refused.each do |mask|
  Masks.pixels(*mask.values_at('height', 'width', 'counts'))
  abort "#{mask['name']}: taken as a mask"
rescue ArgumentError
  next
end
puts golden.size + refused.size

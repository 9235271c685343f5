# frozen_string_literal: true

# Analyses picture files in one session, with the stubs that stock tools generate: ruby -I FOLDER analyze.rb HOST:PORT FILE…
# Prints `FILE: VERDICT SCORE forged of all pixels`, or why there is none.
require 'grpc'
require 'loupe/v1/service_services_pb'
require_relative 'masks'

V1 = Loupe::V1

def describe(outcome)
  case outcome.outcome
  when :result
    result = outcome.result
    line = format('%<verdict>s %<score>.3f', verdict: result.verdict.to_s.delete_prefix('VERDICT_'), score: result.score)
    return line unless result.mask&.rle

    height, width = result.mask.rle.size.to_a
    pixels = Masks.pixels(height, width, result.mask.rle.counts)
    "#{line} #{pixels.count("\x01")} of #{pixels.bytesize} pixels"
  when :failed then "#{outcome.failed.code.to_s.delete_prefix('FAILURE_CODE_')}, #{outcome.failed.message}"
  when :dropped, :expired then outcome.outcome.to_s.upcase
  # What a newer server may send.
  else 'UNKNOWN'
  end
end

address, *files = ARGV
abort 'usage: analyze.rb HOST:PORT FILE…' unless address

# Ruby asks for requests from a thread of its own; a session's credits say how many frames may be without an outcome.
credits = Queue.new
requests = Enumerator.new do |to|
  to << V1::AnalyzeRequest.new(open: V1::OpenSession.new(session_name: 'ruby', client: 'analyze.rb'))
  files.each_with_index do |file, index|
    credits.pop
    image = V1::EncodedImage.new(data: File.binread(file))
    to << V1::AnalyzeRequest.new(frame: V1::Frame.new(frame_id: index, encoded: image))
  end
end

stub = V1::ForgeryAnalysisService::Stub.new(address, :this_channel_is_insecure)
begin
  stub.analyze(requests).each do |answer|
    case answer.payload
    when :granted then [answer.granted.limits.credits, 1].max.times { credits << true }
    when :outcome
      credits << true
      puts "#{files[answer.outcome.frame_id]}: #{describe(answer.outcome)}"
    when :event then warn answer.event.message
    when :summary then puts "#{answer.summary.results} results"
    end
  end
rescue GRPC::BadStatus => e
  abort "#{address}: #{e.details}"
end

# Counts its visitors in a file. WEBrick shuts its listener down at its end.
require 'webrick'

server = WEBrick::HTTPServer.new(Port: 4567)
server.mount_proc '/' do |request, response|
  File.open('/var/lib/visits/count', File::RDWR | File::CREAT) do |file|
    file.flock(File::LOCK_EX)
    visits = file.read.to_i + 1
    file.rewind
    file.write(visits)
    response['Content-Type'] = 'text/plain'
    response.body = "visit #{visits} of #{request.peeraddr[3]}\n"
  end
end
trap('TERM') { server.shutdown }
server.start

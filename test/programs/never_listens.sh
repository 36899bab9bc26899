#!/bin/sh
# Lives, and never listens. /dev/null/… in a shell has no `pause`: a read from a pipe that nobody writes to.
echo 'thinking'
exec sleep infinity

#!/bin/sh
# Lives, and never listens.
echo 'thinking'
exec sleep infinity

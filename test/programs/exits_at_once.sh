#!/bin/sh
# Ends before it listens, and says why on standard error.
echo 'starting up'
echo 'cannot read /etc/app.conf' >&2
exit 3

#!/bin/sh
# Counts its visitors in a file, as CGI, with nothing but the shell.
read -r visits </var/lib/visits/count || visits=0
visits=$((visits + 1))
echo $visits >/var/lib/visits/count
printf 'Content-Type: text/plain\r\n\r\nvisit %s of %s\n' $visits "$REMOTE_ADDR"

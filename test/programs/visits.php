<?php
// Counts its visitors in a file.
$file = fopen('/var/lib/visits/count', 'c+');
flock($file, LOCK_EX);
$visits = (int) stream_get_contents($file) + 1;
ftruncate($file, 0);
rewind($file);
fwrite($file, (string) $visits);
fclose($file);
header('Content-Type: text/plain');
echo "visit $visits of {$_SERVER['REMOTE_ADDR']}\n";

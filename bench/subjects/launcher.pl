#!/usr/bin/perl
# The floor (design section 4): holds a listening socket, waits until a client waits, runs crun with LISTEN_FDS.
#
# Perl, because perl-base is on every Debian, and a small process forks fast: a Node launcher would make the floor higher
# and so wakesock look better. It does nothing between readiness and exec that a launcher in C would not do.
#
#   launcher.pl PORT PID-FILE MODE CGROUP COMMAND… [-- STOP-COMMAND…]
#
# MODE says what of a cgroup is on the way, CGROUP is the directory:
#   none    nothing: the container stays in the launcher's cgroup
#   move    a new cgroup; the process that becomes crun waits, is moved there, and goes on, as with a scope of systemd
#   into    a new cgroup; the process that becomes crun is born there: clone3(2), CLONE_INTO_CGROUP
#   crun    COMMAND makes the cgroup itself
#
# A COMMAND that comes back once the program runs, as `podman start` does, has a STOP-COMMAND that ends it. What it leaves
# behind, as podman does conmon and its clearing away, is waited for, so that it is not in the way of whoever is measured next.
#
# Says `ready` when it listens. A line on standard input ends the container; `dormant` when it is gone, and nothing else: podman
# would say the container's name. Ends with its input.
use strict;
use warnings;
use POSIX ();
use Socket;

my ($port, $pid_file, $mode, $cgroup, @command) = @ARGV;
my ($separator) = grep { $command[$_] eq '--' } 0 .. $#command;
my @stop = defined $separator ? splice @command, $separator : ();
shift @stop;
my $listen_fds_start = 3;
my $sys_clone3 = 435;
my $clone_into_cgroup = 1 << 33;
my $sigchld = 17;
my $sys_prctl = (POSIX::uname())[4] eq 'aarch64' ? 167 : 157;
my $pr_set_child_subreaper = 36;

$^F = 255;    # no close-on-exec
$| = 1;
socket my $listener, PF_INET, SOCK_STREAM, 0 or die "socket: $!";
setsockopt $listener, SOL_SOCKET, SO_REUSEADDR, 1 or die "setsockopt: $!";
bind $listener, pack_sockaddr_in($port, INADDR_LOOPBACK) or die "bind: $!";
listen $listener, 4096 or die "listen: $!";
open my $null, '+<', '/dev/null' or die "/dev/null: $!";
$ENV{LISTEN_FDS} = 1;

if (@stop) { syscall($sys_prctl, $pr_set_child_subreaper, 1, 0, 0, 0) == 0 or die "prctl: $!" }

sub become_crun {
    POSIX::dup2(fileno $null, $_) for 0, 1;    # stderr is the harness's: crun says there what is wrong
    POSIX::dup2(fileno $listener, $listen_fds_start) if fileno $listener != $listen_fds_start;
    $ENV{LISTEN_PID} = $$ if @stop;    # podman looks whether it is meant
    exec @command or POSIX::_exit(127);
}

sub start {
    mkdir $cgroup if $mode eq 'move' or $mode eq 'into';
    if ($mode eq 'into') {
        open my $directory, '<', $cgroup or die "$cgroup: $!";
        my $arguments = pack 'Q11', $clone_into_cgroup, 0, 0, 0, $sigchld, 0, 0, 0, 0, 0, fileno $directory;
        my $pid = syscall $sys_clone3, $arguments, length $arguments;
        die "clone3: $!" if $pid < 0;
        become_crun() if $pid == 0;
        return $pid;
    }
    my ($go, $gate);
    if ($mode eq "move") { pipe $go, $gate or die "pipe: $!" }
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        if ($mode eq 'move') {
            close $gate;
            sysread $go, my $byte, 1;
            close $go;
        }
        become_crun();
    }
    if ($mode eq 'move') {
        open my $procs, '>', "$cgroup/cgroup.procs" or die "$cgroup: $!";
        syswrite $procs, $pid or die "cgroup.procs: $!";
        syswrite $gate, 'x';
    }
    return $pid;
}

sub stop {
    my ($crun) = @_;
    if (@stop) {
        waitpid $crun, 0;
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            POSIX::dup2(fileno $null, $_) for 0, 1;
            exec { $stop[0] } @stop or POSIX::_exit(127);
        }
        waitpid $pid, 0;
        die "@stop: $?" if $?;
        1 while waitpid(-1, 0) > 0;
        return;
    }
    # Not by the PID file: crun writes it after the program has been started, which may have answered by then.
    open my $children, '<', "/proc/$crun/task/$crun/children" or die "crun has ended: $!";
    kill KILL => split ' ', <$children>;
    waitpid $crun, 0;
    unlink $pid_file;
    rmdir $cgroup if $mode eq 'move' or $mode eq 'into';
}

print "ready\n";
while (1) {
    my $waiting = '';
    vec($waiting, $_, 1) = 1 for fileno $listener, fileno STDIN;
    select my $readable = $waiting, undef, undef, undef;
    if (vec $readable, fileno STDIN, 1) {
        last unless sysread STDIN, my $line, 64;
        die "told to end a container that was not started: somebody else has answered on port $port";
    }
    my $crun = start();
    my $asked = sysread STDIN, my $line, 64;
    stop($crun);
    last unless $asked;
    print "dormant\n";
}

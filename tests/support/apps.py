"""Small applications for tests, in the Perl that every Debian base has."""

SERVER = r"""
use strict; use warnings; use IO::Socket::INET;
my $port = $ENV{PORT} // 80;
my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 512, ReuseAddr => 1) or die "listen: $!\n";
$SIG{CHLD} = 'IGNORE'; $SIG{PIPE} = 'IGNORE'; $| = 1;
my $stop = 0; $SIG{TERM} = sub { $stop = 1; close $listener };
print "listening on $port\n";
while (!$stop) {
    my $client = $listener->accept or next;
    my $pid = fork; if ($pid) { close $client; next }
    $SIG{TERM} = 'DEFAULT';
    while (my $line = <$client>) {
        my ($method, $path) = $line =~ m{^(\S+) (\S+)} or last;
        my ($length, $close, $all) = (0, 0, $line);
        while (my $header = <$client>) {
            last if $header =~ /^\r?\n$/;
            $all .= $header;
            $length = $1 if $header =~ /^content-length:\s*(\d+)/i;
            $close = 1 if $header =~ /^connection:\s*close/i;
        }
        read $client, my $input, $length if $length;
        my $body = VERSION . " $method $path";
        $body = $all if $path eq '/headers';
        $body = join("\n", map { "$_=$ENV{$_}" } sort keys %ENV) if $path eq '/environment';
        sleep $1 if $path =~ m{^/sleep/(\d+)};
        print STDOUT "request $path\n" if $path =~ m{^/log};
        kill 'KILL', getppid if $path eq '/crash';
        if ($path =~ m{^/burn/(\d+)}) {  # seconds of CPU
            my ($seconds, $sum) = ($1, 0);
            while ((times)[0] + (times)[1] < $seconds) { $sum += $_ for 1 .. 100_000 }
        }
        if ($path =~ m{^/fill/(\d+)}) {  # MiB
            open my $file, '>', '/filled' or die; print $file "\0" x (1 << 20) for 1 .. $1; close $file;
        }
        $body = -e '/filled' ? 'filled' : 'empty' if $path eq '/filled';
        my $status = $path =~ m{^/status/(\d+)} ? "$1 As Asked" : '200 OK';
        print $client "HTTP/1.1 $status\r\nContent-Length: ", length $body, "\r\n\r\n", $body;
        last if $close;
    }
    exit 0;
}
"""

DOCKERFILE = 'FROM debian:bookworm\nCOPY server.pl /\nCMD ["perl", "/server.pl"]\n'


def web(version="one", manifest=None, dockerfile=DOCKERFILE):
    """The files of a web application that answers `version METHOD PATH`."""
    files = {"Dockerfile": dockerfile, "server.pl": f"use constant VERSION => '{version}';\n" + SERVER}
    if manifest is not None:
        files["paastech.yaml"] = manifest
    return files

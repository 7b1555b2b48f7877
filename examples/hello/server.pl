#!/usr/bin/perl
# The smallest honest web application: answers every request on $PORT, and leaves when it is told to.
use strict;
use warnings;
use IO::Socket::INET;

my $port = $ENV{PORT} // 80;
my $listener = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1)
  or die "cannot listen on port $port: $!\n";
$SIG{TERM} = sub { exit 0 };
$SIG{PIPE} = 'IGNORE';
$| = 1;
print "listening on port $port\n";

my $greeting = $ENV{GREETING} // 'Hello from PaaSTech';
while (1) {
    my $client = $listener->accept or next;
    my $line = <$client> // '';
    while (my $header = <$client>) { last if $header =~ /^\r?\n$/ }
    my $body = "$greeting (deployment " . ($ENV{PAASTECH_DEPLOYMENT} // '?') . ")\n";
    print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " . length($body)
      . "\r\nConnection: close\r\n\r\n$body";
    close $client;
}

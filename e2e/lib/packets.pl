#!/usr/bin/perl
# A bad line for whole IP packets: makes two TUN devices and carries what leaves one to the other, late, or not at all.
#
#   packets.pl NEAR FAR DELAY_MS LOST_PERCENT
#
# Says "ready" when the devices are there, and on SIGUSR1 how many packets it has carried and lost. The devices go with it.
# Perl, because every Debian has it and Node cannot make such a device.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($near, $far, $delay_ms, $lost_percent) = @ARGV;
my %end = (near => device($near), far => device($far));
my (@flying, %counts);
$counts{$_} = 0 for qw(carried lost);
$SIG{USR1} = sub { say_line("carried $counts{carried} lost $counts{lost}") };
say_line('ready');

while (1) {
  my $wait = @flying ? $flying[0][0] - time : undef;
  my $bits = '';
  vec($bits, fileno $_, 1) = 1 for values %end;
  my $found = select(my $ready = $bits, undef, undef, defined $wait && $wait < 0 ? 0 : $wait);
  if ($found > 0) {
    take('near', 'far') if vec($ready, fileno $end{near}, 1);
    take('far', 'near') if vec($ready, fileno $end{far}, 1);
  }
  while (@flying && $flying[0][0] <= time) {
    my (undef, $to, $packet) = @{ shift @flying };
    # A device that is not up yet takes nothing.
    syswrite $end{$to}, $packet;
  }
}

# Every packet waits as long as every other, so the queue is in order.
sub take {
  my ($from, $to) = @_;
  sysread($end{$from}, my $packet, 65536) or return;
  my $lost = rand(100) < $lost_percent;
  $counts{ $lost ? 'lost' : 'carried' } += 1;
  push @flying, [time + $delay_ms / 1000, $to, $packet] unless $lost;
}

# TUNSETIFF with IFF_TUN | IFF_NO_PI (linux/if_tun.h).
sub device {
  my ($name) = @_;
  open my $tun, '+<', '/dev/net/tun' or die "/dev/net/tun: $!\n";
  ioctl($tun, 0x400454ca, pack('Z16 S x22', $name, 0x1001)) or die "device $name: $!\n";
  return $tun;
}

sub say_line { syswrite STDOUT, "$_[0]\n" }

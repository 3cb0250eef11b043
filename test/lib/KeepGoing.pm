# KeepGoing.pm
#		A test file that bails out ends alone, with the reason in its log: PostgreSQL's own
#		modules bail out when a server does not start, which would end all the others.
package KeepGoing;
use strict;
use warnings;
use Test::Builder;

no warnings 'redefine';
*Test::Builder::BAIL_OUT = sub { my ($self, $reason) = @_; die 'bailed out: ' . ($reason // 'no reason given') . "\n" };

1;

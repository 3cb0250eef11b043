# Supervised.pm
#		Watches a supervised HTTP gate from outside: its processes and its port.  Everything
#		polls, every millisecond and for as long as PostgreSQL's own tests would.
package Supervised;
use strict;
use warnings;
use Exporter 'import';
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(time);
our @EXPORT_OK = qw(until_true http_open get read_status served refused is_alive gone children both_children processes set seconds);

my $patience = $PostgreSQL::Test::Utils::timeout_default;

# Waits until a condition holds, and returns its value.
sub until_true
{
	my ($what, $condition) = @_;
	my $end = time + $patience;
	while (time < $end)
	{
		my $value = $condition->();
		return $value if $value;
		select(undef, undef, undef, 0.001);
	}
	die "timed out: $what";
}

sub http_open
{
	my ($to, $request) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or return;
	print $socket $request;
	$socket->flush;
	return $socket;
}

# The status of a GET, or 0 when nobody answers.
sub get
{
	my ($to, $path) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $socket = http_open($to, "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") or return 0;
	return read_status($socket);
}

sub read_status
{
	my ($socket) = @_;
	my $line = <$socket> // '';
	return $line =~ /^HTTP\S* (\d+)/ ? $1 : 0;
}

# A process that nobody has waited for yet is dead all the same.
sub is_alive { return (eval { slurp_file("/proc/$_[0]/stat") } // ') Z ') !~ /\) Z /; }

# The children of a process: of the supervisor the gate and, after a second, its spare.
sub children
{
	my ($parent) = @_;
	return grep { (eval { slurp_file("/proc/$_/stat") } // '') =~ /\) [^Z] $parent / } map { m{(\d+)$} } glob '/proc/[0-9]*';
}

sub both_children { my ($parent) = @_; return @{ until_true('a spare', sub { my @found = children($parent); @found == 2 && \@found }) }; }
sub gone { my (@pids) = @_; return until_true("the end of @pids", sub { !grep { is_alive($_) } @pids }); }

# (pid of the supervisor, pid of the gate, its port) once the gate listens.
sub processes
{
	my ($node, $not) = @_;
	return @{ until_true('a gate that listens', sub {
		my $row = $node->safe_psql('postgres', q{
			SELECT pid, (regexp_match(query, '^HTTP gate (\d+) listens on port ([1-9]\d*)$'))[1:2]
			  FROM pg_stat_activity WHERE backend_type = 'cloudgreet supervisor'});
		my @found = $row =~ /^(\d+)\|\{(\d+),(\d+)\}$/;
		return @found && $found[1] != ($not // 0) ? \@found : undef;
	}) };
}

sub served { my ($to) = @_; return until_true("200 on port $to", sub { get($to, '/') == 200 }); }
sub refused { my ($to) = @_; return until_true("no listener on port $to", sub { !http_open($to, '') }); }

sub set
{
	my ($node, $name, $value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET cloudgreet.$name = $value");
	$node->reload;
	return;
}

sub seconds { my ($action) = @_; my $start = time; $action->(); return time - $start; }

1;

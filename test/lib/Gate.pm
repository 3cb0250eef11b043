# Gate.pm
#		Starts cloudgreet_gate by itself, as its supervisor would, and talks to it over
#		raw sockets.  Nothing sleeps: every wait is for an event, with a deadline.
package Gate;
use strict;
use warnings;
use Child;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);

our $DEADLINE = 30;

# CG_GATE names another program than the installed one, such as one with sanitizers.
sub program
{
	return $ENV{CG_GATE} if $ENV{CG_GATE};
	chomp(my $directory = `pg_config --pkglibdir`);
	return "$directory/cloudgreet_gate";
}

# Starts it with settings; `limits` is shell text to run before it.
sub start
{
	my ($class, $node, %settings) = @_;
	my $limits = delete $settings{limits} // '';
	my $log = PostgreSQL::Test::Utils::tempdir() . '/gate.log';
	my ($pid, $control, $reports) = Child::start($log, 'sh', '-c', "$limits exec \"\$0\"", program());
	$control->autoflush(1);
	my $self = bless { pid => $pid, control => $control, reports => $reports, log => $log, text => '' }, $class;
	$self->configure(gate_conninfo => $node->connstr('scripted') . ' user=' . $node->safe_psql('postgres', 'SELECT current_user'),
		gate_port => 0, %settings);
	return $self;
}

# Sends a block of settings and waits until it is in force.
sub configure
{
	my ($self, %settings) = @_;
	print { $self->{control} } (map {"$_=$settings{$_}\n"} sort keys %settings), "\n";
	my $end = time + $DEADLINE;
	until ($self->{text} =~ s/\A(?:listening|remaining) (\d+)\n// and $self->{port} = $1)
	{
		IO::Select->new($self->{reports})->can_read($end - time) or die 'the gate does not report';
		sysread($self->{reports}, $self->{text}, 4096, length $self->{text})
			or die "the gate ended: " . $self->log_text;
	}
	return $self->{port};
}

sub connect
{
	my ($self, %options) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $options{port} // $self->{port}) or return;
	binmode $socket;
	$socket->autoflush(1);
	return Gate::Client->new($socket);
}

# One request on a connection of its own; returns the response.
sub ask
{
	my ($self, $bytes, %options) = @_;
	return $self->connect->send($bytes)->response(%options);
}

sub get
{
	my ($self, $target, %options) = @_;
	return $self->ask("GET $target HTTP/1.1\r\nHost: t\r\n\r\n", %options);
}

sub log_text
{
	my ($self) = @_;
	open my $file, '<', $self->{log} or die $!;
	local $/;
	return scalar <$file> // '';
}

# Waits until a condition holds.
sub until_true
{
	my ($self, $condition) = @_;
	my $end = time + $DEADLINE;
	while (time < $end)
	{
		return 1 if $condition->();
		select undef, undef, undef, 0.01;
	}
	return 0;
}

sub logged
{
	my ($self, $pattern) = @_;
	return $self->until_true(sub { $self->log_text =~ $pattern });
}

sub descriptors
{
	my ($self) = @_;
	my @names = glob "/proc/$self->{pid}/fd/*";
	return scalar @names;
}

# Closes the gate's stdin, which asks it to end.
sub end_settings { close $_[0]{control} }

# Waits for its end and returns the wait status; -1 when it does not end.
sub wait_end
{
	my ($self) = @_;
	my $status = -1;
	$self->until_true(sub { waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid} and $status = $?, 1 });
	kill 'KILL', $self->{pid} if $status == -1;
	$self->{pid} = 0 if $status != -1;
	return $status;
}

sub DESTROY
{
	my ($self) = @_;
	return unless $self->{pid};
	local $?;
	kill 'KILL', $self->{pid};
	waitpid $self->{pid}, 0;
}

package Gate::Client;
use strict;
use warnings;
use POSIX ();
use Time::HiRes qw(time);

sub new { return bless { socket => $_[1], bytes => '', end => '' }, $_[0] }

# Sends all of it; what the other side refuses is dropped.
sub send
{
	my ($self, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $sent = 0;
	while ($sent < length $bytes)
	{
		$sent += syswrite($self->{socket}, $bytes, 65536, $sent) // last;
	}
	return $self;
}

sub finish { shutdown $_[0]{socket}, 1; return $_[0] }
sub close { close $_[0]{socket}; return }

# Closes with a reset.
sub reset
{
	my ($self) = @_;
	setsockopt $self->{socket}, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0);
	return $self->close;
}

# Reads more; false at the end.  `end` then says whether it was "closed", "reset" or "silent".
sub more
{
	my ($self, $deadline) = @_;
	return 0 if $self->{end};
	IO::Select->new($self->{socket})->can_read($deadline // $Gate::DEADLINE) or $self->{end} = 'silent', return 0;
	my $got = sysread $self->{socket}, $self->{bytes}, 65536, length $self->{bytes};
	return 1 if $got;
	$self->{end} = defined $got ? 'closed' : 'reset';
	return 0;
}

# Reads one response; `head` says that it answers HEAD.  undef when there is none.
sub response
{
	my ($self, %options) = @_;
	my ($head, $body);
	until ($self->{bytes} =~ s/\A(.*?)\r\n\r\n//s and $head = $1)
	{
		$self->more or return;
	}
	my ($line, @lines) = split /\r\n/, $head;
	my %response = (client => $self, line => $line, head => $head);
	($response{status}) = $line =~ m{\AHTTP/1\.1 (\d{3}) } or die "no status line: $line";
	for (@lines)
	{
		my ($name, $value) = /\A([A-Za-z0-9-]+): (.*)\z/ or die "no header line: $_";
		$response{headers}{lc $name} .= defined $response{headers}{lc $name} ? " & $value" : $value;
	}
	my $length = $options{head} || $response{status} =~ /^(1..|204|304)$/ ? 0 : $response{headers}{'content-length'};
	while (length $self->{bytes} < $length) { $self->more or return }
	$response{body} = substr $self->{bytes}, 0, $length, '';
	return \%response;
}

# Reads to the end and says how it came; what was read besides is in `bytes`.
sub ending
{
	my ($self, $deadline) = @_;
	1 while $self->more($deadline);
	return length $self->{bytes} ? "more bytes: $self->{bytes}" : $self->{end};
}

1;

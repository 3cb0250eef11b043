# HttpPeer.pm
#		A badly behaved HTTP server and a DNS server on loopback, in one child process.
#		What it does is chosen by the path and by the name.  It ends with its parent.
package HttpPeer;
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::IP;
use POSIX ();
use Socket qw(:DEFAULT inet_pton AF_INET6);
use Time::HiRes qw(time);

my $DRIP_S = 0.05;
my @alive; # the pipes whose end is a peer's end

# Names of the DNS server: addresses of each answer in turn, the last one for ever.
my %ZONE = (
	'loop.test' => [['127.0.0.1']],
	'private.test' => [['10.0.0.5']],
	'metadata.test' => [['169.254.169.254']],
	'mixed.test' => [['127.0.0.1', '192.168.1.1']],
	'mapped.test' => [['::ffff:10.0.0.1']],
	'loop6.test' => [['::1']],
	'two.test' => [['127.0.0.1', '127.0.0.9', '127.0.0.10']],
	'many.test' => [[map { "127.0.0.$_" } 1 .. 20]],
	'flip.test' => [['127.0.0.1'], ['10.0.0.1']],
);

sub new
{
	my ($class, $log, $address) = @_;
	my $self = bless {log => $log, parent => $$}, $class;
	$self->{listener} = IO::Socket::IP->new(LocalHost => $address // '127.0.0.1', Listen => 256) or return;
	$self->{dns} = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp') or die $!;
	$self->{port} = $self->{listener}->sockport;
	$self->{dns_port} = $self->{dns}->sockport;
	pipe(my $reader, my $writer) or die $!;
	$self->{pid} = fork() // die $!;
	if ($self->{pid} == 0)
	{
		close $_ for $writer, @alive;
		eval { $self->serve($reader); };
		print STDERR "peer: $@" if $@;
		POSIX::_exit(0);
	}
	$self->{alive} = $writer;
	push @alive, $writer;
	close $self->{$_} for qw(listener dns);
	return $self;
}

# What was asked, one line each: "CONNECTION REQUEST-OF-IT METHOD TARGET".
sub requests
{
	my ($self, $pattern) = @_;
	open my $file, '<', $self->{log} or return ();
	return grep { /$pattern/ } map { chomp; $_ } <$file>;
}

sub stop
{
	my ($self) = @_;
	return if !$self->{alive} || $self->{parent} != $$;
	close delete $self->{alive};
	waitpid $self->{pid}, 0;
}

sub DESTROY { local $?; $_[0]->stop; }

# ---- In the child --------------------------------------------------------------------

sub serve
{
	my ($self, $reader) = @_;
	$SIG{PIPE} = 'IGNORE';
	my ($number, $dripped_at) = (0, 0);
	my $connections = $self->{connections} = {};
	while (1)
	{
		my ($read, $write) = ('', '');
		vec($read, fileno $_, 1) = 1 for $reader, $self->{listener}, $self->{dns}, map { $_->{socket} } values %$connections;
		vec($write, fileno $_->{socket}, 1) = 1 for grep { $_->{endless} } values %$connections;
		select($read, $write, undef, $DRIP_S);
		return if vec($read, fileno $reader, 1);
		$self->answer_name if vec($read, fileno $self->{dns}, 1);
		my @ready = grep { vec($read, fileno $_->{socket}, 1) } values %$connections;
		for my $connection (grep { $_->{endless} && vec($write, fileno $_->{socket}, 1) } values %$connections)
		{
			syswrite $connection->{socket}, $connection->{endless};
		}
		$self->read_from($_) for @ready;
		if (time - $dripped_at >= $DRIP_S)
		{
			$dripped_at = time;
			syswrite $_->{socket}, 'x' for grep { $_->{drips} } values %$connections;
		}
		if (vec($read, fileno $self->{listener}, 1) and my $socket = $self->{listener}->accept)
		{
			$socket->blocking(0);
			$number++;
			$connections->{$number} = {socket => $socket, number => $number, in => '', count => 0};
		}
	}
}

sub read_from
{
	my ($self, $connection) = @_;
	my $n = sysread $connection->{socket}, $connection->{in}, 65536, length $connection->{in};
	return $self->hang_up($connection) if !$n;
	while ($connection->{in} =~ /^(.*?\r\n\r\n)/s)
	{
		my $head = $1;
		my $length = $head =~ /^Content-Length: *(\d+)/mi ? $1 : 0;
		last if length $connection->{in} < length($head) + $length;
		my $request = substr $connection->{in}, 0, length($head) + $length, '';
		my ($method, $target) = split / /, $request;
		$connection->{count}++;
		open my $log, '>>', $self->{log} or die $!;
		print $log "$connection->{number} $connection->{count} $method $target\n";
		close $log;
		$self->answer($connection, $target, $request);
		return if !$connection->{socket};
	}
}

sub hang_up
{
	my ($self, $connection, $is_reset) = @_;
	setsockopt $connection->{socket}, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $is_reset;
	close delete $connection->{socket};
	delete $self->{connections}{$connection->{number}};
}

sub answer
{
	my ($self, $connection, $target, $request) = @_;
	my ($what, $size) = $target =~ m{^/(\w+)(?:\?(\d+))?};
	my $ok = "HTTP/1.1 200 OK\r\n";
	my $say = sub { syswrite $connection->{socket}, $_[0]; };
	my $say_body = sub { $say->($ok . 'Content-Length: ' . length($_[0]) . "\r\n\r\n$_[0]"); };
	my %answers = (
		echo => sub { $say_body->($request) },
		count => sub { $say_body->("$connection->{number} $connection->{count}") },
		slow => sub { },
		close => sub { $self->hang_up($connection) },
		reset => sub { $self->hang_up($connection, 1) },
		# alive for one request, and then dead without a sign
		once => sub { $connection->{count} == 1 ? $say_body->('first') : $self->hang_up($connection, 1) },
		sized => sub { $say_body->('x' x $size) },
		endless => sub { $say->("${ok}Transfer-Encoding: chunked\r\n\r\n"); $connection->{endless} = "1000\r\n" . ('x' x 4096) . "\r\n" },
		headers => sub { $say->($ok); $connection->{endless} = 'X-Y: ' . ('y' x 1000) . "\r\n" },
		interim => sub { $connection->{endless} = "HTTP/1.1 103 Early Hints\r\nX-Y: y\r\n\r\n" },
		drip => sub { $say->("${ok}Content-Length: 100000\r\n\r\n"); $connection->{drips} = 1 },
		badchunk => sub { $say->("${ok}Transfer-Encoding: chunked\r\n\r\nZZ\r\n") },
		short => sub { $say->("${ok}Content-Length: 100\r\n\r\nabc"); $self->hang_up($connection) },
		lengths => sub { $say->("${ok}Content-Length: -5\r\n\r\nabc") },
		# two responses to one request
		extra => sub { $say->("${ok}Content-Length: 2\r\n\r\nok${ok}Content-Length: 4\r\n\r\nevil") },
		redirect => sub { $say->("HTTP/1.1 302 Found\r\nLocation: /count\r\nContent-Length: 0\r\n\r\n") },
		limited => sub { $say->("HTTP/1.1 429 Slow down\r\nretry-after:  7 \r\nX-RateLimit-Reset: 30\r\nContent-Length: 0\r\n\r\n") },
		# in trouble for the first two, for good, until told, and for those who are not let in
		flaky => sub { ++$self->{flaky} < 3 ? $say->("HTTP/1.1 500 Sorry\r\nContent-Length: 0\r\n\r\n") : $say_body->('at last') },
		broken => sub { $say->("HTTP/1.1 500 Sorry\r\nContent-Length: 12\r\n\r\nout of order") },
		later => sub { $self->{later}++ ? $say_body->('now') : $say->("HTTP/1.1 503 Later\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n") },
		refused => sub { $say->("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") },
		garbage => sub { $say->("SSH-2.0-peer\r\n"); $self->hang_up($connection) },
		gzip => sub { $say->("${ok}Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\0") },
	);
	($answers{$what} // sub { $say_body->($what) })->();
}

# hole.test is never answered, and what is not in the zone does not exist.
sub answer_name
{
	my ($self) = @_;
	my $peer = recv($self->{dns}, my $query, 512, 0) or return;
	my ($id) = unpack 'n', $query;
	my ($at, @labels) = (12);
	while (my $length = ord substr $query, $at, 1)
	{
		push @labels, substr $query, $at + 1, $length;
		$at += 1 + $length;
	}
	my $type = unpack 'n', substr $query, $at + 1, 2;
	my $name = lc join '.', @labels;
	return if $name eq 'hole.test';
	my $answers = $ZONE{$name};
	my $turn = $type == 1 ? $self->{asked}{$name}++ : 0;
	my @addresses = map { inet_pton(/:/ ? AF_INET6 : AF_INET, $_) } $answers ? @{$answers->[$turn < @$answers ? $turn : -1]} : ();
	@addresses = grep { length $_ == ($type == 1 ? 4 : 16) } @addresses;
	my $reply = pack('n6', $id, $answers ? 0x8580 : 0x8583, 1, scalar @addresses, 0, 0) . substr $query, 12, $at + 5 - 12;
	$reply .= pack 'n3Nn/a', 0xc00c, $type, 1, 0, $_ for @addresses;
	send $self->{dns}, $reply, 0, $peer;
}

1;

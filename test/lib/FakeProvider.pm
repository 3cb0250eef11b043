# FakeProvider.pm
#		Starts the fake provider (fake_provider.mjs) and tells it what to do.  It ends with
#		this object, or with the test that made it.  Nothing sleeps: every wait polls.
package FakeProvider;
use strict;
use warnings;
use Child;
use HTTP::Tiny;
use JSON::PP ();
use POSIX ();
use PostgreSQL::Test::Utils;
use Supervised qw(until_true);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# The directory of the providers' specifications, if this machine has it.
sub specifications
{
	my $directory = ($ENV{CLOUDGREET_SHARED} // '') . '/providers/specs';
	return -d $directory ? $directory : undef;
}

sub has_node { return system('node --version >/dev/null 2>&1') == 0; }

# options: those of fake_provider.mjs, without the dashes.
sub start
{
	my ($class, %options) = @_;
	my $log = PostgreSQL::Test::Utils::tempdir() . '/fake_provider.log';
	my ($pid, $control, $reports) = Child::start($log, 'node', 'test/lib/fake_provider.mjs', '--until-eof',
		map { ("--$_", $options{$_}) } sort keys %options);
	my $line = <$reports> // die 'the fake provider does not start: ' . slurp_file($log);
	return bless {
		pid => $pid, stdin => $control, about => $json->decode($line), owner => $$,
		http => HTTP::Tiny->new(timeout => $PostgreSQL::Test::Utils::timeout_default), contracts => {},
	}, $class;
}

sub stop
{
	my ($self) = @_;
	return unless $self->{pid} && $self->{owner} == $$;
	local ($?, $!);
	for my $child ($self, values %{ $self->{contracts} })
	{
		kill 'KILL', $child->{pid};
		waitpid $child->{pid}, 0;
	}
	$self->{pid} = 0;
	return;
}

sub DESTROY { return $_[0]->stop; }

# Of telnyx, resend or retell: where it is, its API key, and what its webhooks are
# verified with (of Telnyx the public key, of Resend the secret, of Retell the API key).
sub url { my ($self, $provider) = @_; return $self->{about}{$provider}{url}; }
sub key { my ($self, $provider) = @_; return $self->{about}{$provider}{key}; }

sub webhook_key
{
	my ($self, $provider) = @_;
	my $about = $self->{about}{$provider};
	return $about->{public_key} // $about->{webhook_secret} // $about->{key};
}

# One operation of the control surface.
sub control
{
	my ($self, $method, $operation, $value) = @_;
	my $response = $self->{http}->request($method, "$self->{about}{control}/$operation",
		defined $value ? { content => $json->encode($value), headers => { 'content-type' => 'application/json' } } : {});
	die "$operation: $response->{status} $response->{content}" unless $response->{success};
	return $json->decode($response->{content});
}

# Faults for the next matching requests: hashes as fake/rules.mjs describes them.
sub script { my ($self, @rules) = @_; $self->control('POST', 'script', \@rules); return; }
sub release { my ($self) = @_; $self->control('POST', 'release'); return; }
sub set { my ($self, %settings) = @_; return $self->control('POST', 'settings', \%settings); }
sub reset { my ($self) = @_; $self->control('POST', 'reset'); return; }
sub log { my ($self, $since) = @_; return @{ $self->control('GET', 'log?since=' . ($since // 0)) }; }
sub violations { my ($self) = @_; return @{ $self->control('GET', 'violations') }; }

# The provider's objects by id, such as state('telnyx', 'messages'); without a kind all.
# Of many objects ask for the fields that are wanted: reading them takes its time.
sub state
{
	my ($self, $provider, $kind, @fields) = @_;
	return $self->control('GET', "state?provider=$provider" . (defined $kind ? "&kind=$kind" : '') . (@fields ? '&fields=' . join(',', @fields) : ''));
}

# How often each text or subject came to the providers.
sub wire { my ($self) = @_; return $self->control('GET', 'wire'); }

# Sends a signed webhook; options: fields, url, times, tamper, shift_seconds.  Returns
# what was sent, and answered, each time.
sub webhook
{
	my ($self, $provider, $event_type, %options) = @_;
	return @{ $self->control('POST', 'webhook', { provider => $provider, event_type => $event_type, %options }) };
}

# The webhooks sent so far, also those that followed requests by themselves.
sub webhooks { my ($self) = @_; return @{ $self->control('GET', 'state')->{webhooks} }; }

# Waits until a condition (called with this object) holds, and returns its value.
sub wait_until
{
	my ($self, $what, $condition) = @_;
	return until_true($what, sub { $condition->($self) });
}

# A client that sends JSON to a provider as our software should; returns HTTP::Tiny's
# response, with its JSON as `json`.
sub request
{
	my ($self, $provider, $method, $path, $body, %options) = @_;
	my $base = $options{base} // $self->url($provider);
	my %headers = ('authorization' => 'Bearer ' . $self->key($provider), 'user-agent' => 'test', %{ $options{headers} // {} });
	delete $headers{$_} for grep { !defined $headers{$_} } keys %headers;
	my $content = defined $body ? (ref $body ? $json->encode($body) : $body) : undef;
	$headers{'content-type'} //= 'application/json' if defined $content;
	my $response = HTTP::Tiny->new(agent => '', keep_alive => 0, timeout => $options{timeout} // 30)
		->request($method, "$base$path", { headers => \%headers, defined $content ? (content => $content) : () });
	$response->{json} = eval { $json->decode($response->{content}) };
	return $response;
}

# The URL of a proxy that holds requests and answers against the provider's own
# specification; what breaks it is answered 4xx or, when the fake is wrong, 500.
sub contract_url
{
	my ($self, $provider) = @_;
	$self->start_contracts($provider);
	my $log = $self->{contracts}{$provider}{log};
	return until_true("the contract proxy of $provider", sub {
		slurp_file($log) =~ m{is listening on (http://127\.0\.0\.1:\d+)} ? $1 : undef;
	});
}

# Starts such proxies together, for each takes a few seconds.
sub start_contracts
{
	my ($self, @providers) = @_;
	my $directory = specifications() // die 'the specifications are not here';
	for my $provider (grep { !$self->{contracts}{$_} } @providers)
	{
		my $log = PostgreSQL::Test::Utils::tempdir() . "/contract_$provider.log";
		my $pid = fork() // die $!;
		if ($pid == 0)
		{
			open STDOUT, '>', $log or POSIX::_exit(97);
			open STDERR, '>&', \*STDOUT or POSIX::_exit(97);
			exec 'setpriv', '--pdeathsig', 'KILL', 'node', 'test/contract/node_modules/@stoplight/prism-cli/dist/index.js',
				'proxy', '--errors', '-h', '127.0.0.1', '-p', '0', "$directory/$provider.json", $self->url($provider)
				or POSIX::_exit(98);
		}
		$self->{contracts}{$provider} = { pid => $pid, log => $log };
	}
	return;
}

1;

# Flow.pm
#		One run of a flow: a business with one customer, on a server with the fake provider,
#		and what happens to it, message by message, in the way of the run.
#
# A way is a hash:
#   twice   every message comes by two connections at once, and all of them once more later
#   seed    what may come in any order does, with repetitions mixed in, also late ones
#   kill    after: the dispatcher is killed once what was to be sent is sent;
#           in_flight: while the provider has it, and the answer has not come
#   lose    the name of a message that never comes
#
# A message is [name, sub that makes the request now, whether it may come again much later];
# a list of messages keeps its order.
package Flow;
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use IO::Socket::INET;
use IPC::Run ();
use JSON::PP ();
use List::Util qw(min shuffle);
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Utils;
use Supervised qw(until_true get);
use Time::Local qw(timegm);
use Webhooks ();

our $json = JSON::PP->new->canonical->ascii;
my $secret = 'a-secret-of-at-least-thirty-two-bytes';
my $runs = 0;

# What all runs share: keys of our own, for the fake signs only what it makes itself.
sub prepare
{
	my ($server) = @_;
	my $dir = PostgreSQL::Test::Utils::tempdir();
	$server->{signer} = bless { dir => $dir, pem => "$dir/telnyx.pem", key => { retell => 'key_of_retell', resend => 'whsec_c2VjcmV0LW9mLXJlc2VuZA==' } }, 'Webhooks';
	$server->{signer}{key}{telnyx} = Webhooks::make_key_pair("$dir/telnyx.pem");
	$server->sql("SELECT cloudgreet.add_jwt_key('main', '$secret')");
	$server->sql(slurp_file('test/lib/flow_state.sql'));
	$server->{fake}->set(auto_webhooks => []);
	return;
}

sub new
{
	my ($class, $server, $time, %way) = @_;
	my $self = bless { server => $server, node => $server->{node}, fake => $server->{fake}, way => \%way, told => {}, earlier => [], kills => 0 }, $class;
	$self->{us} = sprintf '+1212555%04d', 2000 + 2 * $runs;
	$self->{them} = sprintf '+1212555%04d', 2001 + 2 * $runs++;
	$self->{email} = "ana$self->{them}\@example.com" =~ s/\+//r;
	$self->clock($time);
	my $keys = $server->{signer}{key};
	my @rows = split /\n/, $self->sql(qq{
		SELECT cloudgreet.create_business('Acme', 'America/New_York') AS b \\gset
		SELECT cloudgreet.set_secret('telnyx', '} . $self->{fake}->key('telnyx') . qq{', :'b') AS s1, cloudgreet.set_secret('telnyx_hook', '$keys->{telnyx}', :'b') AS s2,
			cloudgreet.set_secret('resend', '} . $self->{fake}->key('resend') . qq{', :'b') AS s3, cloudgreet.set_secret('resend_hook', '$keys->{resend}', :'b') AS s4,
			cloudgreet.set_secret('retell', '$keys->{retell}', :'b') AS s5, cloudgreet.add_phone_number('$self->{us}', business_id => :'b') AS s6,
			cloudgreet.create_agent('Front desk', business_id => :'b') AS s7, cloudgreet.add_staff('Dana', business_id => :'b') AS s8,
			cloudgreet.create_follow_up(business_id => :'b') AS s9, cloudgreet.create_service('Cleaning', 60, business_id => :'b') AS service \\gset
		SELECT :'b', :'service', cloudgreet.connect_provider('telnyx', '{"api_key": "telnyx", "webhook_key": "telnyx_hook"}', business_id => :'b'),
			cloudgreet.connect_provider('resend', '{"api_key": "resend", "webhook_key": "resend_hook"}', '{"from": "Acme <office\@example.com>"}', business_id => :'b'),
			cloudgreet.connect_provider('retell', '{"api_key": "retell"}', business_id => :'b')});
	@$self{qw(business service telnyx resend retell)} = split /\|/, $rows[-1];
	$self->processor_knows($time);
	srand($way{seed}) if $way{seed};
	return $self;
}

# By one session for all runs, for a new psql takes longer than most of what is asked.
sub sql
{
	my ($self, $sql) = @_;
	my $session = $self->{server}{session} //= do {
		my $new = { in => '', out => '', errors => '' };
		$new->{psql} = IPC::Run::start(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $self->{node}->connstr('postgres')], '<', \$new->{in}, '>', \$new->{out}, '2>', \$new->{errors});
		$new;
	};
	$session->{out} = '';
	$session->{in} .= "$sql;\n\\echo -- end --\n";
	until ($session->{out} =~ s/-- end --\n$//)
	{
		next if eval { $session->{psql}->pumpable && $session->{psql}->pump };
		delete $self->{server}{session};
		eval { $session->{psql}->kill_kill };
		die "$sql: $session->{errors}";
	}
	return $session->{out} =~ s/\n$//r;
}

# Moves the clock, a time such as '2026-06-09 16:00:00Z'.
sub clock
{
	my ($self, $time) = @_;
	my ($y, $mo, $d, $h, $mi, $s) = $time =~ /^(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)Z$/ or die $time;
	$self->{now} = timegm($s, $mi, $h, $d, $mo - 1, $y);
	$self->sql("ALTER SYSTEM SET cloudgreet.clock = '$time'");
	$self->sql('SELECT pg_reload_conf()');
	until_true("the time $time", sub { $self->sql('SHOW cloudgreet.clock') eq $time });
	$self->processor_knows($time) if $self->{business};
	return;
}

# A worker that is kept from running does its next work by the time before: waits until
# one of no use is processed at the new time.
sub processor_knows
{
	my ($self, $time) = @_;
	my $where = "business_id = '$self->{business}' AND event_type = 'clock'";
	until_true("a processor at $time", sub {
		$self->sql("INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, headers, body)
			VALUES ('$self->{business}', '$self->{retell}', 'retell', 'clock', 'clock', '{}', '{}')");
		until_true('a processor', sub { $self->sql("SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE $where AND state = 'pending'") == 0 });
		return $self->sql("WITH gone AS (DELETE FROM cloudgreet_private.webhook_inbox WHERE $where RETURNING processed_at) SELECT bool_and(processed_at = '$time') FROM gone") eq 't';
	});
	return;
}

# A time of today's clock, so many seconds from now, as providers write it.
sub at
{
	my ($self, $seconds) = @_;
	my @t = gmtime($self->{now} + ($seconds // 0));
	return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
}

# --- Messages ---------------------------------------------------------------------------

my %subject = (telnyx => 'sms', retell => 'retell', resend => 'resend');

# A webhook of a provider, signed anew each time it is sent; path: what follows the account.
sub webhook
{
	my ($self, $name, $provider, $event, $path) = @_;
	my $body = $json->encode($event);
	my %headers;
	return [$name, sub {
		return { method => 'POST', path => "/api/$subject{$provider}/webhook/$self->{$provider}" . ($path // ''), body => $body, expect => 200,
			headers => $headers{ $self->{now} } //= $self->{server}{signer}->headers($provider, $body, $self->{now}, "msg_$name$self->{them}" =~ tr/a-zA-Z0-9_//cdr) };
	}, 'is sent again'];
}

# A text of the customer.
sub says
{
	my ($self, $words, $seconds) = @_;
	my $id = "$words $self->{them}";
	return $self->webhook("text $words", 'telnyx', { data => { event_type => 'message.received', id => "event $id", occurred_at => $self->at($seconds),
		payload => { id => $id, direction => 'inbound', text => $words, parts => 1, received_at => $self->at($seconds), from => { phone_number => $self->{them} },
			to => [{ phone_number => $self->{us}, status => 'webhook_delivered' }] } } });
}

# A call of the customer that began two minutes before, as Retell shows it.
sub call
{
	my ($self) = @_;
	return (call_id => "call_$self->{them}", call_type => 'phone_call', agent_id => 'agent_7', direction => 'inbound', from_number => $self->{them}, to_number => $self->{us},
		start_timestamp => ($self->{now} - 120) * 1000);
}

sub call_event
{
	my ($self, $event) = @_;
	my %ended = (call_status => 'ended', end_timestamp => ($self->{now} - 10) * 1000, duration_ms => 110000, disconnection_reason => 'user_hangup',
		transcript_object => [{ role => 'agent', content => 'Acme, hello?' }, { role => 'user', content => 'My roof leaks, it is urgent.' }]);
	return $self->webhook($event, 'retell', { event => $event, call => { $self->call, $event eq 'call_started' ? (call_status => 'ongoing') : %ended,
		$event eq 'call_analyzed' ? (call_analysis => { call_summary => 'The roof leaks.', user_sentiment => 'Neutral', in_voicemail => JSON::PP::false }) : () } });
}

sub lookup { my ($self) = @_; return $self->webhook('lookup', 'retell', { event => 'call_inbound', call_inbound => { from_number => $self->{them}, to_number => $self->{us} } }); }
sub tool { my ($self, $name, $args) = @_; return $self->webhook($name, 'retell', { name => $name, args => $args, call => { $self->call } }); }

# A request of the application, with a token of the business.
sub api
{
	my ($self, $method, $path, $body, $expect) = @_;
	return ["$method $path", sub { return { method => $method, path => $path, expect => $expect, headers => { authorization => $self->token }, body => $body ? $json->encode($body) : '' }; }];
}

sub token
{
	my ($self) = @_;
	my $signed = join '.', map { encode_base64url($json->encode($_), '') } { alg => 'HS256', typ => 'JWT' },
		{ sub => '0197aa10-0000-7000-8000-000000000001', business_id => $self->{business}, role => 'admin', iat => $self->{now} - 10, exp => $self->{now} + 3600 };
	return "Bearer $signed." . encode_base64url(hmac_sha256($signed, $secret), '');
}

# What the providers tell of the texts and e-mails that they took since the last time.
sub reports
{
	my ($self) = @_;
	my @reports;
	foreach my $text ($self->texts)
	{
		next if $self->{told}{ $text->{id} }++;
		my ($request) = $text->{webhook_url} =~ m{(/[0-9a-f-]{36})$};
		foreach my $type ('sent', 'finalized')
		{
			push @reports, [$self->webhook("$type $text->{id}", 'telnyx', { data => { event_type => "message.$type", id => "$type $text->{id}", occurred_at => $self->at($type eq 'sent' ? 1 : 3),
				payload => { id => $text->{id}, direction => 'outbound', from => { phone_number => $self->{us} }, text => $text->{text}, parts => 1, sent_at => $self->at(1),
					to => [{ phone_number => $self->{them}, status => $type eq 'sent' ? 'sent' : 'delivered' }], $type eq 'finalized' ? (completed_at => $self->at(3)) : () } } }, $request)];
		}
	}
	foreach my $email ($self->emails)
	{
		next if $self->{told}{ $email->{id} }++;
		push @reports, map { [$self->webhook("$_ $email->{id}", 'resend', { type => "email.$_", created_at => $self->at($_ eq 'sent' ? 1 : 3),
			data => { email_id => $email->{id}, from => 'office@example.com', to => [$self->{email}], subject => $email->{subject} } })] } 'sent', 'delivered';
	}
	return @reports;
}

sub texts { my ($self) = @_; return grep { $_->{to}[0]{phone_number} eq $self->{them} } values %{ $self->{fake}->state('telnyx', 'messages') }; }
sub emails { my ($self) = @_; return grep { "@{ $_->{to} }" =~ /\Q$self->{email}\E/ } values %{ $self->{fake}->state('resend', 'emails') }; }

# --- What happens -------------------------------------------------------------------------

# Lists of messages: each keeps its order, and between them there is none.
sub happens
{
	my ($self, @lists) = @_;
	my $lose = $self->{way}{lose} // '';
	@lists = map { [grep { $_->[0] ne $lose } @$_] } @lists;
	my @all = map { @$_ } @lists;
	if ($self->{way}{twice})
	{
		$self->deliver($_, $_) foreach @all;
		$self->deliver($_) foreach @all;
	}
	elsif ($self->{way}{seed})
	{
		$self->deliver($_) foreach mixed(@lists);
		$self->deliver($_) foreach shuffle(@all, (shuffle(@{ $self->{earlier} }))[0 .. min(3, scalar @{ $self->{earlier} }) - 1]);
	}
	else { $self->deliver($_) foreach @all; }
	push @{ $self->{earlier} }, grep { $_->[2] } @all;
	$self->settle;
	return;
}

# The lists, interleaved at random; some messages come again before the others have come.
sub mixed
{
	my @lists = map { [@$_] } @_;
	my (@order, @come);
	while (my @left = grep { @$_ } @lists)
	{
		my $next = shift @{ $left[rand @left] };
		push @order, $next;
		push @come, $next;
		push @order, $come[rand @come] if rand() < 0.5;
	}
	return @order;
}

# Sends messages at the same time, and wants the answers that they expect.
sub deliver
{
	my ($self, @messages) = @_;
	my @open = map {
		my $request = $_->[1]->();
		my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{server}{port}) or die "nobody listens: $!";
		my %headers = (host => 'x', connection => 'close', 'content-type' => 'application/json', 'content-length' => length $request->{body}, %{ $request->{headers} });
		print $socket join("\r\n", "$request->{method} $request->{path} HTTP/1.1", map({ "$_: $headers{$_}" } sort keys %headers), '', '') . $request->{body};
		$socket->flush;
		[$_->[0], $request->{expect}, $socket];
	} @messages;
	foreach (@open)
	{
		my ($name, $expect, $socket) = @$_;
		my $answer = do { local $/; <$socket> } // '';
		my ($status) = $answer =~ /^HTTP\S* (\d+)/;
		die "$name is answered: $answer" unless ($status // 0) == $expect;
	}
	return;
}

# Something that has the customer sent a message on some channels (sms, email).
sub sends
{
	my ($self, $channels, $action) = @_;
	my $way = $self->{way}{kill} // '';
	my %about = (sms => { provider => 'telnyx', body => $self->{them} }, email => { provider => 'resend', body => $self->{email} });
	if ($way eq 'in_flight')
	{
		$self->{waits} = 1;
		$self->{fake}->script(map { { match => $about{$_}, action => { hang => JSON::PP::true, accepted => JSON::PP::true } } } @$channels);
	}
	$action->();
	if ($way eq 'in_flight')
	{
		$self->{fake}->wait_until('the requests', sub { !@{ $_[0]->control('GET', 'script') } });
		$self->kill_dispatcher;
		$self->{waits} = 0;
	}
	$self->settle;
	$self->kill_dispatcher if $way eq 'after';
	return;
}

# The minute's tick; by two at once where all comes twice.
sub tick
{
	my ($self) = @_;
	return $self->sql('SELECT cloudgreet.tick()') unless $self->{way}{twice};
	my @psql = map { IPC::Run::start(['psql', '-XAtq', '-d', $self->{node}->connstr('postgres'), '-c', 'SELECT cloudgreet.tick()'], '>', \my $out, '2>', \my $errors) } 1 .. 2;
	$_->finish foreach @psql;
	die 'tick() raised an error' if grep { $_->result } @psql;
	return;
}

# Until nothing is under way, but what a killed dispatcher will not bring to an end.
sub settle
{
	my ($self) = @_;
	return if $self->{waits};
	until_true('an end', sub { (eval { $self->sql("SELECT public.flow_is_quiet('$self->{business}')") } // '') eq 't' });
	return;
}

sub dispatcher { my ($self) = @_; return eval { $self->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'cloudgreet dispatcher' AND application_name = 'cloudgreet dispatcher'") } // ''; }

# Kills it, which restarts the server, and waits until all is back.
sub kill_dispatcher
{
	my ($self) = @_;
	my $pid = until_true('a dispatcher', sub { my $found = $self->dispatcher; $found =~ /^\d+$/ && $found });
	kill 'KILL', $pid or die "no process $pid";
	$self->{kills}++;
	until_true('a new dispatcher', sub { my $found = $self->dispatcher; $found =~ /^\d+$/ && $found != $pid });
	until_true('the gate', sub { get($self->{server}{port}, '/api/health?ready=1') == 200 });
	return;
}

# --- What it came to --------------------------------------------------------------------------

# All rows of the business, and all that the customer was sent, one a line.
sub outcome
{
	my ($self) = @_;
	my @sent = sort((map { "sent text $_->{text}" } $self->texts), map { "sent e-mail $_->{subject}: $_->{text}" } $self->emails);
	my $rows = $self->sql("SELECT public.flow_state('$self->{business}', '$self->{us}', '$self->{them}')");
	return join "\n", (split /\n/, $rows =~ s/\Q$self->{email}\E/MAIL/gr), @sent;
}

1;

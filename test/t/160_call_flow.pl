# 160_call_flow.pl
#		The three flows from end to end: a call that books, moves and cancels through the
#		agent's functions; what the lead is then sent by the real dispatcher, reminders
#		under a moved clock among it; a call that books nothing and is followed up until
#		the lead answers.  Then the same call's events doubled and shuffled.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use FakeProvider;
use HTTP::Tiny;
use JSON::PP;
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Sending;
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
my $server = Sending->start('flow', "cloudgreet.clock = '2026-06-09 16:00:00Z'");
my ($node, $fake, $b) = @$server{qw(node fake business)};
my $json = JSON::PP->new->canonical->ascii;
my $now = 1781020800;

sub sql { return $server->sql(@_) }

my $service = (split /\n/, sql(qq{
	SELECT cloudgreet.create_agent('Front desk', business_id => '$b') IS NOT NULL, cloudgreet.add_staff('Dana', business_id => '$b') IS NOT NULL,
		cloudgreet.set_secret('retell', 'key_of_retell', '$b'), cloudgreet.connect_provider('retell', '{"api_key": "retell"}', business_id => '$b') IS NOT NULL,
		cloudgreet.create_follow_up(business_id => '$b') IS NOT NULL;
	SELECT cloudgreet.create_service('Cleaning', 60, business_id => '$b')}))[-1];

# The answer to a body of Retell, signed.
sub retell
{
	my ($body, $key) = @_;
	$body = $json->encode($body);
	my $answer = HTTP::Tiny->new->post("http://127.0.0.1:$server->{port}/api/retell/webhook", {content => $body, headers => {'content-type' => 'application/json',
				'x-retell-signature' => "v=${now}000,d=" . hmac_sha256_hex("$body${now}000", $key // 'key_of_retell')}});
	return ($answer->{status}, eval { $json->decode($answer->{content}) } // $answer->{content});
}

my %call = (call_id => 'call_1', call_type => 'phone_call', direction => 'inbound', from_number => '+12125550188', to_number => '+12125550123', start_timestamp => ($now - 120) * 1000);

sub tool
{
	my ($name, $args, %other) = @_;
	my ($status, $answer) = retell({name => $name, args => $args, call => {%call, %other}});
	is($status, 200, "$name is answered");
	return $answer;
}

sub event
{
	my ($event, $id, %more) = @_;
	my %ended = (end_timestamp => ($now - 10) * 1000, duration_ms => 110000, call_status => 'ended', disconnection_reason => 'user_hangup');
	return {event => $event, call => {%call, call_id => $id, $event eq 'call_started' ? (call_status => 'ongoing') : %ended,
			$event eq 'call_analyzed' ? (call_analysis => {call_summary => 'A call.', user_sentiment => 'Positive', in_voicemail => JSON::PP::false}) : (), %more}};
}

# --- A call comes in ---------------------------------------------------------------------
my $inbound = {event => 'call_inbound', call_inbound => {from_number => '+12125550188', to_number => '+12125550123'}};
my ($status, $answer) = retell($inbound);
my $told = $answer->{call_inbound}{dynamic_variables};
is("$status $told->{business_name} $told->{is_known} $told->{is_open} $told->{has_appointment}", '200 Acme no yes no', 'an unknown caller is answered');
like($told->{next_opening}, qr/June 9 at \d+:\d\d [AP]M/, 'with the first free time');
is(scalar(grep { ref } values %$told), 0, 'all variables are texts');
like($answer->{call_inbound}{metadata}{cg_request_id}, qr/^[0-9a-f-]{36}$/, 'and an id of the request');
is((retell($inbound, 'wrong'))[0], 401, 'what is not signed is refused');
is(sql('SELECT count(*) FROM cloudgreet.calls'), 0, 'looking leaves nothing');

# --- The agent's functions -----------------------------------------------------------------
$answer = tool('check_availability', {date => '2026-06-10', limit => '2'});
is($answer->{ok} . ' ' . join(',', map { $_->{starts_at} } @{$answer->{slots}}), '1 2026-06-10T13:00:00+00:00,2026-06-10T14:00:00+00:00', 'two free times of a day');
is($answer->{say}, 'These times are free: Wednesday, June 10 at 9:00 AM; Wednesday, June 10 at 10:00 AM.', 'that one can say');
my %book = (service => 'cleaning', starts_at => '2026-06-10T10:00', name => 'Ana Ruiz', email => 'ana@example.com');
$answer = tool('book_appointment', \%book);
is("$answer->{ok} $answer->{say}", '1 You are booked for Wednesday, June 10 at 10:00 AM.', 'a time is booked');
my $appointment = $answer->{appointment_id};
is(tool('book_appointment', $json->encode(\%book))->{appointment_id}, $appointment, 'the same again, as text, is the same appointment');
is(sql("SELECT l.name || ' ' || l.phone || ' ' || l.email || ' ' || c.provider_call_id FROM cloudgreet.appointments a JOIN cloudgreet.leads l ON l.id = a.lead_id JOIN cloudgreet.calls c ON c.id = a.call_id"),
	'Ana Ruiz +12125550188 ana@example.com call_1', 'for the caller, and linked to the call');
$answer = tool('book_appointment', {starts_at => '2026-06-10T10:30'}, call_id => 'call_other', from_number => '+12125550177');
is_deeply([@$answer{qw(ok status code)}, scalar @{$answer->{next_slots}}], [JSON::PP::false, 409, 'ZG401', 3], 'a time that is taken is refused, with others');
like($answer->{say}, qr/this time is taken\. Free next: Wednesday, June 10/, 'which one can say');
$answer = tool('cancel_appointment', {appointment_id => $appointment}, call_id => 'call_other', from_number => '+12125550177');
is($answer->{status}, 404, 'nobody cancels another caller\'s appointment');
is(tool('reschedule_appointment', {starts_at => '2026-06-11 14:00'})->{say}, 'Your appointment is now Thursday, June 11 at 2:00 PM.', 'it is moved') for 1 .. 2;
$answer = tool('find_lead', {});
is("$answer->{name} $answer->{appointments}[0]{local_text}", 'Ana Ruiz Thursday, June 11 at 2:00 PM', 'the caller is known');
foreach my $bad (['book_appointment', {starts_at => 'tomorrow'}, 400], ['book_appointment', {starts_at => '2026-02-31T10:00'}, 400], ['book_appointment', [1], 400], ['book_appointment', '{', 400],
	['check_availability', {service => 'rocket'}, 404], ['check_availability', {limit => 'many'}, 400], ['hang_up_now', {}, 404], ['reschedule_appointment', {appointment_id => 'x', starts_at => '2026-06-12T10:00'}, 404],
	['book_appointment', {}, 400], ['book_appointment', {starts_at => '2026-06-10T03:00', email => 'nobody'}, 422], ['book_appointment', {starts_at => '2020-01-01T10:00'}, 422])
{
	$answer = tool(@$bad[0, 1]);
	is("$answer->{status} " . ($answer->{say} ne ''), "$bad->[2] 1", '... and refuses ' . $json->encode([$bad->[1]]));
}
($status, $answer) = retell($inbound);
is("$answer->{call_inbound}{dynamic_variables}{caller_first_name} $answer->{call_inbound}{dynamic_variables}{has_appointment}", 'Ana yes', 'the caller is known the next time');
retell($_) foreach map { event($_, 'call_1') } qw(call_started call_ended call_analyzed);
ok($node->poll_query_until('postgres', "SELECT count(*) = 3 FROM cloudgreet_private.webhook_inbox WHERE state = 'processed' AND provider = 'retell'"), 'the events of the call are processed');
is(sql("SELECT status || ' ' || duration FROM cloudgreet.calls WHERE provider_call_id = 'call_1'"), 'completed 110', 'the call is complete');
is(sql('SELECT count(*) FROM cloudgreet.sequence_enrollments'), 0, 'who booked is not followed up');

# --- What the lead is sent -------------------------------------------------------------------
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM cloudgreet_private.requests WHERE state NOT IN ('done', 'cancelled')"), 'what was to be sent is sent');
is(scalar(grep { /your appointment has moved: Cleaning, now Thursday, June 11 at 2:00 PM, with Dana/ } $server->texts), 1, 'the new time was texted once');
is(sql('SELECT cloudgreet.tick()'), 0, 'no reminder is due');
$server->clock('2026-06-10 18:00:10Z');
sql('SELECT cloudgreet.tick()') for 1 .. 2; # beside the processor
ok($node->poll_query_until('postgres', "SELECT status = 'sent' FROM cloudgreet.appointment_reminders WHERE type = '24h'"), 'it is sent by the provider');
is(scalar(grep { /a reminder of your appointment/ } $server->texts), 1, 'and arrives once');
$now += 93600;
is(tool('cancel_appointment', {reason => 'ill'})->{say}, 'Your appointment on Thursday, June 11 at 2:00 PM is canceled.', 'it is canceled in another call') for 1 .. 2;
is(sql("SELECT string_agg(status, ' ' ORDER BY due_at) FROM cloudgreet.appointment_reminders") . sql('SELECT count(*) FROM cloudgreet_private.due_work'), 'sent canceled0', 'with the reminder that was left');

# --- A call that books nothing ------------------------------------------------------------------
$server->clock('2026-06-10 18:00:00Z');
sub forget_calls
{
	sql('DELETE FROM cloudgreet_private.webhook_inbox; DELETE FROM cloudgreet_private.webhook_seen; DELETE FROM cloudgreet_private.due_work; DELETE FROM cloudgreet.sequence_enrollments;'
		. "DELETE FROM cloudgreet.lead_qualification; DELETE FROM cloudgreet.agent_conversations; UPDATE cloudgreet.appointments SET call_id = NULL; DELETE FROM cloudgreet.calls; DELETE FROM cloudgreet.events");
	return;
}

# Calls, follow-ups and the timeline, without what differs from run to run.
sub outcome
{
	return sql(q{SELECT (SELECT string_agg(concat_ws(' ', provider_call_id, status, duration, disconnection_reason), ',') FROM cloudgreet.calls) || ' / '
		|| (SELECT string_agg(concat_ws(' ', status, ended_reason, next_position, next_due_at), ',') FROM cloudgreet.sequence_enrollments) || ' / '
		|| (SELECT count(*) FROM cloudgreet_private.due_work) || ' / ' || (SELECT string_agg(event_type, ' ' ORDER BY event_type) FROM cloudgreet.events WHERE event_type ~ '^(call|sequence)')});
}
my ($seed, %outcomes) = ($ENV{CLOUDGREET_SEED} // time);
note("seed $seed");
srand($seed);
$call{start_timestamp} = ($now - 120) * 1000;
my @events = map { event($_, 'call_2') } qw(call_started call_ended call_analyzed);
foreach my $round (0 .. 8)
{
	forget_calls();
	my @deliveries = $round == 0 ? @events : shuffle(@events, @events, @events);
	is((retell($_))[0], 200, 'an event is taken in') foreach @deliveries;
	sql('SELECT cloudgreet.tick()');
	ok($node->poll_query_until('postgres', "SELECT count(*) = 3 AND bool_and(state = 'processed') FROM cloudgreet_private.webhook_inbox"), 'three are processed');
	$outcomes{outcome()}++;
}
is(scalar(keys %outcomes), 1, 'whatever the order, and however often, it comes to the same') or diag(explain(\%outcomes));
like((keys %outcomes)[0], qr{^call_2 completed 110 user_hangup / active 1 2026-06-10 .* / 1 / call\.analyzed call\.ended call\.followed\.?_?up call\.started sequence\.enrolled$}, 'the lead is followed up, once');
retell(event('call_analyzed', 'call_3', disconnection_reason => 'voicemail_reached'));
ok($node->poll_query_until('postgres', "SELECT count(*) = 4 AND bool_and(state = 'processed') FROM cloudgreet_private.webhook_inbox"), 'a voicemail is processed');
is(sql("SELECT count(*) FROM cloudgreet.events WHERE event_type = 'call.followed_up'"), 1, 'and not followed up');
$server->clock('2026-06-10 18:20:00Z');
$now += 1200;
sql('SELECT cloudgreet.tick()'); # or the processor did it: the first step is due
ok($fake->wait_until('the text', sub { grep { /thank you for calling/ } $server->texts }), 'and reaches the lead');
($answer) = $fake->webhook('telnyx', 'message.received', url => "http://127.0.0.1:$server->{port}/api/sms/webhook", shift_seconds => $now - time,
	fields => {text => 'Yes, Friday?', from => '+12125550188', to => '+12125550123', received_at => '2026-06-10T18:21:00Z'});
is($answer->{answer}{status}, 200, 'the lead answers, by a signed webhook');
ok($node->poll_query_until('postgres', "SELECT status = 'stopped' AND ended_reason = 'reply' FROM cloudgreet.sequence_enrollments"), 'no more is sent to it');
is(sql('SELECT count(*) FROM cloudgreet_private.due_work'), 0, 'nothing is left to do');

# --- Agents -------------------------------------------------------------------------------------
sql("SELECT cloudgreet.stop_agent(business_id => '$b')");
($status, $answer) = retell({%$inbound});
is($answer->{call_inbound}{dynamic_variables}{is_open}, 'no', 'callers of a stopped agent hear that it is closed');
sql(q{UPDATE cloudgreet.businesses SET settings = '{"inbound": {"closed": "reject"}}'});
is_deeply((retell({%$inbound}))[1], {call_inbound => {reject => JSON::PP::true}}, 'or are rejected, as the business wants');
like(sql("SELECT cloudgreet.start_agent(business_id => '$b')"), qr/"status": "running".*"calls_today": 2/, 'it starts again, with its calls of today');

done_testing();

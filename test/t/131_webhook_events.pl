# 131_webhook_events.pl
#		Whatever the order in which a provider's events come, and however often, they
#		lead to the same; and what is not signed by the account leads to nothing.
use strict;
use warnings;
use IPC::Run ();
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use Test::More;
use Webhooks;

my $json = $Webhooks::json;
my $hooks = Webhooks->start('webhooks');
my $node = $hooks->{node};
my ($business, %account) = $hooks->make_business('+13125550100');

sub sql { return $hooks->sql(@_) }
sub quoted { return Webhooks::quoted(@_) }
sub prepare { return $hooks->prepare(@_) }

sub telnyx
{
	my ($name, $type, $at, $payload, %more) = @_;
	return prepare($name, 'telnyx', {data => {event_type => $type, id => "ev-$name", occurred_at => "2026-06-09T15:$at", payload => $payload}}, %more);
}

# All orders lead to one outcome, which is returned.
sub one_outcome
{
	my ($what, $names, $orders, $preparation) = @_;
	my @outcomes = split /\n/, sql(sprintf("SELECT orders || ' ' || outcome FROM public.outcomes('%s', '{%s}', %s)", $business, join(',', @$names), quoted($preparation // 'SELECT')));
	is(scalar(@outcomes), 1, "$what: one outcome") or diag(join("\n", map { substr($_, 0, 3000) } @outcomes[0 .. 1]));
	my ($n, $outcome) = split / /, $outcomes[0], 2;
	is($n, $orders, "$what: $orders orders, every event repeated") if @outcomes == 1;
	return $json->decode($outcome);
}

# --- Calls of Telnyx -------------------------------------------------------------------
my %leg1 = (call_control_id => 'v3:one', call_leg_id => 'leg-1', call_session_id => 'session-1', from => '+13125550199', to => '+13125550100', start_time => '2026-06-09T15:02:10.981004Z');
my %leg2 = (call_control_id => 'v3:two', call_leg_id => 'leg-2', call_session_id => 'session-1', from => '+13125550199', to => '+13125550177', start_time => '2026-06-09T15:03:00Z');
my @call = (
	telnyx('initiated', 'call.initiated', '02:11.104233Z', {%leg1, direction => 'incoming', state => 'parked'}),
	telnyx('answered', 'call.answered', '02:12.640871Z', {%leg1, state => 'answered'}),
	telnyx('hangup', 'call.hangup', '04:41.009120Z', {%leg1, hangup_cause => 'normal_clearing'}),
	telnyx('recorded', 'call.recording.saved', '04:55.3Z', {call_leg_id => 'leg-1', call_session_id => 'session-1', recording_started_at => '2026-06-09T15:02:12.7Z', recording_urls => {mp3 => 'https://example.com/y.mp3', wav => undef}}),
	telnyx('passed_on', 'call.initiated', '03:00.1Z', {%leg2, direction => 'outgoing', state => 'bridging'}),
	telnyx('passed_on_hangup', 'call.hangup', '04:41Z', {%leg2, hangup_cause => 'user_busy'}));
my $end = one_outcome('a call that is passed on', \@call, 720);
is(scalar(@{$end->{calls}}), 1, 'two legs of a session are one call');
my $call = $end->{calls}[0];
is(join(' ', @$call{qw(direction status duration disconnection_reason recording_url telnyx_call_control_id lead)}),
	'inbound completed 148 normal_clearing https://example.com/y.mp3 v3:one +13125550199', '... the first leg of which counts');
is_deeply([map { $_->{phone} } @{$end->{leads}}], ['+13125550199'], 'whom it was passed on to is no lead');
is(join(' ', map { $_->{state} } @{$end->{inbox}}), join(' ', ('processed') x 6), 'what came before the call was taken up again');

# So large that they are not taken together: the first are unmatched until the later are processed, in the same turn.
my $large = sprintf(q{INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, entity_key, headers, body)
	SELECT '%s', '%s', 'telnyx', 'call.initiated', 'large ' || n, 'session-large', '{}', convert_to(jsonb_build_object('data', jsonb_build_object('event_type', 'call.initiated',
	       'occurred_at', '2026-06-09T15:05:00Z', 'padding', repeat('x', 300000), 'payload', jsonb_build_object('call_session_id', 'session-large', 'call_leg_id', 'leg ' || n,
	       'from', '+13125550199', 'to', CASE n WHEN 5 THEN '+13125550100' ELSE '+13125550177' END, 'start_time', '2026-06-09T15:05:00Z')))::text, 'UTF8')
	  FROM generate_series}, $business, $account{telnyx});
# Once before, for a session's first takes longer than a turn may.
sql("BEGIN; $large(1, 1) n; SELECT cloudgreet_private.process_webhooks(); ROLLBACK; $large(1, 6) n; SELECT cloudgreet_private.process_webhooks()");
is(sql("SELECT string_agg(DISTINCT state, ' ') || ' ' || max(attempts) FROM cloudgreet_private.webhook_inbox WHERE entity_key = 'session-large'"), 'processed 1', 'events of a call that are taken apart find each other');
is(sql("SELECT count(*) || ' ' || (SELECT count(*) FROM jsonb_object_keys(min(provider_state::text)::jsonb -> 'legs')) FROM cloudgreet.calls WHERE telnyx_call_session_id = 'session-large'"), '1 6', 'and are one call');
sql("DELETE FROM cloudgreet_private.webhook_inbox WHERE entity_key = 'session-large'; DELETE FROM cloudgreet.calls WHERE telnyx_call_session_id = 'session-large';
	DELETE FROM cloudgreet.leads WHERE phone = '+13125550199' AND business_id = '$business'; DELETE FROM cloudgreet.events WHERE business_id = '$business' AND event_type ~ '^(call|lead)[.]'");

my %out = (call_control_id => 'v3:out', call_leg_id => 'leg-o', call_session_id => 'session-o', from => '+13125550100', to => '+13125550198', start_time => '2026-06-09T15:10:00Z');
$end = one_outcome('a call of ours nobody takes', [
	telnyx('out_initiated', 'call.initiated', '10:00.1Z', {%out, direction => 'outgoing'}),
	telnyx('out_hangup', 'call.hangup', '10:30Z', {%out, hangup_cause => 'timeout'}),
	telnyx('out_machine', 'call.machine.detection.ended', '10:31Z', {%out, result => 'not_sure'})], 6);
is("$end->{calls}[0]{direction} $end->{calls}[0]{status}", 'outbound missed', 'it is missed');
$end = one_outcome('a call between strangers', [telnyx('foreign', 'call.initiated', '11:00Z', {%out, call_session_id => 'session-f', from => '+13125550111', direction => 'incoming'}),
	telnyx('foreign_end', 'call.hangup', '11:05Z', {%out, call_session_id => 'session-f', from => '+13125550111', hangup_cause => 'timeout'})], 2);
is_deeply([sort keys %$end], ['inbox'], 'nothing is made of it');
is($end->{inbox}[0]{state}, 'unmatched', 'and it is kept apart');

# --- Calls of Retell -------------------------------------------------------------------
my %retell = (call_id => 'call_1', call_type => 'phone_call', agent_id => 'agent_7', direction => 'inbound', from_number => '+13125550199', to_number => '+13125550100', start_timestamp => 1781017331104);
my %ended = (%retell, call_status => 'ended', end_timestamp => 1781017481009, duration_ms => 149905, disconnection_reason => 'user_hangup', transcript_object => [{role => 'agent', content => 'Hello?', words => []}, {role => 'user', content => 'It leaks.'}]);
$end = one_outcome('a conversation', [
	prepare('started', 'retell', {event => 'call_started', call => {%retell, call_status => 'ongoing'}}),
	prepare('ended', 'retell', {event => 'call_ended', call => \%ended}),
	prepare('analyzed', 'retell', {event => 'call_analyzed', call => {%ended, transcript_object => [{role => 'user', content => 'It leaks!'}],
				call_analysis => {call_summary => 'A leak.', user_sentiment => 'Neutral', custom_analysis_data => {urgent => JSON::PP::true}}}}),
	prepare('updated', 'retell', {event => 'transcript_updated', call => \%retell})], 24);
is(join(' ', @{$end->{calls}[0]}{qw(status duration disconnection_reason lead)}), 'completed 149 user_hangup +13125550199', 'the call ended');
is_deeply($end->{conversations}[0]{transcript}, [{role => 'user', content => 'It leaks!'}], 'the transcript of the analysis counts');
is("$end->{conversations}[0]{summary} $end->{conversations}[0]{sentiment}", 'A leak. neutral', 'so does its summary');
is(join(' ', map { "$_->{call} $_->{lead} $_->{score} $_->{grade} $_->{status_before}" } @{$end->{qualifications}}), 'call_1 +13125550199 55 B new', 'the lead is scored once, ...');
is(join(' ', @{$end->{qualifications}[0]{criteria}}{qw(call.seconds call.urgent lead.calls)}), '149 1 0', '... by all that became known of the call');
is($end->{leads}[0]{status}, 'qualified', '... and qualified');
is(scalar(grep { $_->{type} eq 'lead.scored' } @{$end->{events}}), 1, '... which the timeline tells once');
my %unanswered = (call_id => 'call_2', call_type => 'phone_call', agent_id => 'agent_7', direction => 'outbound', from_number => '+13125550100', to_number => '+13125550199', call_status => 'not_connected', disconnection_reason => 'dial_no_answer');
$end = one_outcome('a call that was not answered', [prepare('no_answer', 'retell', {event => 'call_ended', call => \%unanswered}),
	prepare('no_answer_analyzed', 'retell', {event => 'call_analyzed', call => {%unanswered, call_analysis => {in_voicemail => JSON::PP::false, user_sentiment => 'Unknown'}}})], 2);
is($end->{calls}[0]{status}, 'missed', 'it is missed');
# Events without what another tells: the score follows whichever comes last, and so does the status.
$end = one_outcome('a conversation told in parts', [
	prepare('part_started', 'retell', {event => 'call_started', call => {%retell, call_status => 'ongoing'}}),
	prepare('part_ended', 'retell', {event => 'call_ended', call => {%ended, transcript_object => [{role => 'user', content => 'Sorry, wrong number.'}]}}),
	prepare('part_analyzed', 'retell', {event => 'call_analyzed', call => {call_id => 'call_1', call_status => 'ended', direction => 'inbound', from_number => '+13125550199', to_number => '+13125550100',
				call_analysis => {user_sentiment => 'Positive', custom_analysis_data => {service => 'Roof repair', urgency => 'high'}}}})], 6);
is(join(' ', map { "$_->{score} $_->{grade} $_->{status_before}" } @{$end->{qualifications}}), '5 D new', 'the score is of all of it');
is($end->{leads}[0]{status}, 'unqualified', 'the status too');

# --- Texts ----------------------------------------------------------------------------
my ($sms, $outbox) = map { sprintf('0197aa10-0000-7000-8000-%012d', $_) } 1, 2;
my $outbox_id = sql('SELECT cloudgreet.uuid_v7()');
my $queued = qq{SELECT cloudgreet.uuid_v7();
	INSERT INTO cloudgreet.sms_messages (business_id, id, direction, from_number, to_number, content, status) VALUES ('$business', '$sms', 'outbound', '+13125550100', '+13125550199', 'Booked.', 'unknown');
	INSERT INTO cloudgreet_private.outbox (business_id, id, account_id, provider, operation, idempotency, subject_type, subject_id, body, state, deadline_at, first_sent_at)
	VALUES ('$business', '$outbox_id', '$account{telnyx}', 'telnyx', 'send_message', 'none', 'sms_message', '$sms', '', 'unknown', 'infinity', cloudgreet.clock())};
my %text = (id => 'text-1', direction => 'outbound', from => {phone_number => '+13125550100'}, text => 'Booked.', parts => 1, sent_at => '2026-06-09T15:20:00.611+00:00');
my @to = (phone_number => '+13125550199');
my $path = "/api/sms/webhook/$account{telnyx}";
my @text = (
	telnyx('sent', 'message.sent', '20:00.650+00:00', {%text, to => [{@to, status => 'sent'}]}, target => "$path/$outbox_id"),
	telnyx('delivered', 'message.finalized', '20:03.402+00:00', {%text, completed_at => '2026-06-09T15:20:03.390+00:00', to => [{@to, status => 'delivered'}]}, target => "$path/$outbox_id"),
	telnyx('unconfirmed', 'message.finalized', '20:02+00:00', {%text, to => [{@to, status => 'delivery_unconfirmed'}]}, target => $path),
	telnyx('queued', 'message.sent', '20:00.1+00:00', {%text, to => [{@to, status => 'queued'}]}, target => $path));
$end = one_outcome('a text whose answer was lost', \@text, 24, $queued);
is(scalar(@{$end->{texts}}), 1, 'a row made by an event becomes one with ours');
is("$end->{texts}[0]{status} $end->{texts}[0]{provider_message_id} $end->{texts}[0]{segments}", 'delivered text-1 1', 'it was delivered');
is($end->{outbox}[0]{state}, 'done', 'and the outbox knows that it was sent');
$end = one_outcome('a text that we do not know of', \@text, 24);
is("$end->{texts}[0]{status} $end->{texts}[0]{content}", 'delivered Booked.', 'it is made');
$end = one_outcome('a text that fails', [@text[0, 3],
	telnyx('failed', 'message.finalized', '20:06+00:00', {%text, errors => [{code => '40001'}], to => [{@to, status => 'delivery_failed'}]}, target => $path)], 6, $queued);
is("$end->{texts}[0]{status} $end->{texts}[0]{error_code}", 'undelivered 40001', 'it says why');

sub received
{
	my ($name, $at, $words) = @_;
	return telnyx($name, 'message.received', "$at+00:00", {id => "in-$name", direction => 'inbound', text => $words, parts => 1, received_at => "2026-06-09T15:$at+00:00",
			from => {phone_number => '+13125550199'}, to => [{phone_number => '+13125550100', status => 'webhook_delivered'}]}, target => '/api/sms/webhook');
}
my @replies = (received('yes', '30:00', 'Yes'), received('stop', '31:00', 'STOP'), received('start', '32:00', 'start'), received('again', '33:00', 'Stop texting me'));
$end = one_outcome('stop, start, and stop again', \@replies, 24);
is(join(' ', map { $_->{reason} } @{$end->{suppressions}}), 'opt_out', 'the last word counts');
is(scalar(@{$end->{consents}}), 6, 'a "yes" that joins nothing again is no consent');
is($end->{alerts}[0]{alert_type}, 'opt_out_review', 'a person is asked to look');
$end = one_outcome('stop and start', [@replies[1, 2]], 2);
ok(!$end->{suppressions}, 'the contact has joined again');

# --- E-mails --------------------------------------------------------------------------
sub mail
{
	my ($name, $type, $at, %more) = @_;
	return prepare($name, 'resend', {type => "email.$type", created_at => "2026-06-09T15:$at", data => {email_id => 'mail-1', from => 'us@example.com', to => ['ana@example.org'], subject => 'Hello', %more}});
}
my @mail = (mail('m_sent', 'sent', '40:00Z'), mail('m_delayed', 'delivery_delayed', '40:01Z'), mail('m_soft', 'bounced', '40:02Z', bounce => {type => 'Transient', subType => 'MailboxFull'}),
	mail('m_delivered', 'delivered', '40:03Z'), mail('m_complained', 'complained', '40:05Z'), mail('m_hard', 'bounced', '40:04Z', bounce => {type => 'Permanent', subType => 'General'}));
$end = one_outcome('an e-mail', [@mail[0, 2 .. 5]], 120);
is(join(' ', @{$end->{emails}[0]}{qw(status bounce_type)}, map { $_->{reason} } @{$end->{suppressions}}), 'complained Permanent bounce complaint', 'the worst of it counts, and both suppress');
$end = one_outcome('an e-mail that arrives late', [@mail[0 .. 3]], 24);
is("$end->{emails}[0]{status} $end->{emails}[0]{bounce_type}", 'delivered Transient', 'a soft bounce is overcome');
ok(!$end->{suppressions}, 'and suppresses nobody');

# --- Ten at a time --------------------------------------------------------------------
my @psql = map { ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres')] } 1 .. 10;
my ($in, $out) = ('', '');
my $lock = IPC::Run::start($psql[0], '<', \$in, '>', \$out);
$in = "BEGIN; LOCK TABLE cloudgreet_private.webhook_seen IN SHARE MODE; SELECT 'locked';\n";
$lock->pump until $out =~ /locked/;
my (@runs, @answers);
foreach my $i (0 .. 9)
{
	$answers[$i] = '';
	push @runs, IPC::Run::start([@{$psql[$i]}, '-c', "SELECT public.deliver('stop')"], '>', \$answers[$i]);
}
ok($node->poll_query_until('postgres', "SELECT count(*) = 10 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"), 'ten duplicates come at the same time');
$in .= "COMMIT;\n\\q\n";
$lock->finish;
$_->finish foreach @runs;
is(join('', @answers), "200\n" x 10, 'all are answered 200');
is(sql('SELECT count(*) FROM cloudgreet_private.webhook_inbox'), 1, 'one is stored');
is(sql('SELECT cloudgreet_private.process_webhooks(); SELECT count(*) FROM cloudgreet.sms_messages; SELECT count(*) FROM cloudgreet.suppressions'), "1\n1\n1", 'one has an effect');

# Everything, by ten connections in orders of their own, processed meanwhile.
my @all = (@call, 'started', 'ended', 'analyzed', 'no_answer', 'no_answer_analyzed', @replies, @mail, @text);
srand(20260609);
@runs = map {
	my @script = map { ("SELECT public.deliver('$_');", 'SELECT cloudgreet_private.process_webhooks(3);') } shuffle(@all);
	my $script = join("\n", @script);
	IPC::Run::start([@{$psql[$_]}], '<', \$script, '>', \my $ignored, '2>', \my $errors);
} 0 .. 9;
$_->finish foreach @runs;
is(scalar(grep { $_->result != 0 } @runs), 0, 'ten connections deliver and process without an error');
sql("SET cloudgreet.clock = '2026-06-09 17:00:00Z'; SELECT cloudgreet_private.process_webhooks()");
my $crowd = $json->decode(sql("SELECT public.state('$business')"));
sql("DELETE FROM cloudgreet_private.webhook_inbox; DELETE FROM cloudgreet_private.webhook_seen;",
	map { "DELETE FROM cloudgreet.$_;" } qw(lead_qualification agent_conversations calls sms_messages emails consents suppressions alerts events leads));
sql("SELECT public.deliver('$_'); SELECT cloudgreet_private.process_webhooks()") foreach @all;
my $alone = $json->decode(sql("SELECT public.state('$business')"));
# Where a lead came from depends, as it should, on what came first; so does what was known
# of it when a call was scored, and its status after two calls.
foreach my $row (map { @{$_->{leads}}, @{$_->{qualifications}}, map { $_->{data} } @{$_->{events}} } $crowd, $alone)
{
	$row->{criteria} = {map { $_ => $row->{criteria}{$_} } grep { /^call/ } keys %{$row->{criteria}}} if $row->{criteria};
	delete @$row{qw(source status status_before score grade probability reasons)};
}
is_deeply($crowd, $alone, 'the crowd led to the same as one after another');

done_testing();

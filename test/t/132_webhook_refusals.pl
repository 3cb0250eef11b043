# 132_webhook_refusals.pl
#		What is not signed with the account's own key, in time, leads to nothing but a
#		number in a counter; the providers' own examples are taken and processed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Webhooks;

my $hooks = Webhooks->start('refusals');
my ($business, %account) = $hooks->make_business('+13125550100');
my $now = $Webhooks::now;

my %event = (
	telnyx => {data => {event_type => 'message.received', id => 'ev-1', payload => {id => 'in-1', text => 'hello', from => {phone_number => '+13125550199'}, to => [{phone_number => '+13125550100'}]}}},
	retell => {event => 'call_started', call => {call_id => 'call_1', direction => 'inbound', from_number => '+13125550199', to_number => '+13125550100'}},
	resend => {type => 'email.sent', created_at => '2026-06-09T15:40:00Z', data => {email_id => 'mail-1', to => ['ana@example.org'], subject => 'Hello'}});

foreach my $provider (sort keys %event)
{
	my $body = $Webhooks::json->encode($event{$provider});
	my $good = $hooks->headers($provider, $body, $now, 'msg_good');
	my $n = 0;
	my $answer = sub {
		my (%more) = @_;
		return $hooks->deliver($hooks->prepare("$provider " . $n++, $provider, $event{$provider}, %more));
	};
	is($answer->(headers => {}), 401, "$provider: unsigned");
	is($answer->(body => $body =~ s/\+13125550199|ana\@/\+13125550198/r), 401, "$provider: tampered");
	is($answer->(body => "$body "), 401, "$provider: one byte more");
	is($answer->(at => $now - 301), 401, "$provider: 301 seconds old");
	is($answer->(at => $now + 301), 401, "$provider: 301 seconds ahead");
	foreach my $header (sort keys %$good)
	{
		my %changed = %$good;
		substr($changed{$header}, -3, 1) =~ tr/0-9a-zA-Z/1-90b-zaB-ZA/;
		is($answer->(headers => \%changed), 401, "$provider: $header changed");
		delete $changed{$header};
		is($answer->(headers => \%changed), 401, "$provider: no $header");
	}
	is($hooks->sql("SELECT sum(refused) FROM cloudgreet_private.webhook_refusals WHERE account_id = '$account{$provider}'"), 5 + 2 * keys %$good, "$provider: each is counted");
	my $long = join ',', ('1e131071') x 3000;
	is($hooks->deliver($hooks->prepare("$provider long", $provider, $body =~ s/\}$/,"more":[$long]}/r)), 400, "$provider: signed, with numbers that print to far more than was sent");
	is($hooks->sql('SELECT count(*) FROM cloudgreet_private.webhook_inbox, cloudgreet_private.webhook_seen'), 0, "$provider: none is kept");
	is($answer->(at => $now - 300), 200, "$provider: 300 seconds old");
	$hooks->sql('SELECT cloudgreet_private.process_webhooks(); DELETE FROM cloudgreet_private.webhook_inbox; DELETE FROM cloudgreet_private.webhook_seen');
}

# --- Another tenant -------------------------------------------------------------------
# The neighbour has keys of its own, knows the path of the account, and can sign.
my $own_key = Webhooks::make_key_pair("$hooks->{dir}/neighbour.pem");
my ($neighbour, %neighbours) = $hooks->make_business('+13125550150', telnyx => $own_key, retell => 'key_of_neighbour', resend => 'whsec_bmVpZ2hib3Vy', google => 'b-token');
my %theirs = (%$hooks, pem => "$hooks->{dir}/neighbour.pem", key => {retell => 'key_of_neighbour', resend => 'whsec_bmVpZ2hib3Vy', google => 'b-token'});
my $attacker = bless \%theirs, 'Webhooks';
my %path = (telnyx => 'sms', retell => 'retell', resend => 'resend', google => 'google');
foreach my $provider (sort keys %path)
{
	my $event = $event{$provider} // '';
	is($hooks->deliver($attacker->prepare("$provider bare", $provider, $event)), 404, "$provider: the bare path means nobody when there are two accounts");
	is($hooks->deliver($attacker->prepare("$provider steals", $provider, $event, target => "/api/$path{$provider}/webhook/$account{$provider}")), 401, "$provider: another's path is not opened by one's own key");
	is($hooks->deliver($attacker->prepare("$provider own", $provider, $event, target => "/api/$path{$provider}/webhook/$neighbours{$provider}")), 200, "$provider: one's own is");
}
$hooks->sql('SELECT cloudgreet_private.process_webhooks()');
is($hooks->sql("SELECT string_agg(DISTINCT state, ',') FROM cloudgreet_private.webhook_inbox WHERE provider IN ('telnyx', 'retell')"), 'unmatched', 'what names a number of another business is kept apart');
is($hooks->sql("SELECT count(*) FROM cloudgreet.sms_messages m FULL JOIN cloudgreet.calls c ON false WHERE coalesce(m.business_id, c.business_id) = '$neighbour'"), 0, 'and no rows are made of it');
is($hooks->sql("SELECT count(*) FROM cloudgreet_private.webhook_inbox WHERE business_id = '$business'"), 0, 'nothing of it reaches the other');
# The outbox row of another business is no one's to name.
my $outbox = $hooks->sql('SELECT cloudgreet.uuid_v7()');
$hooks->sql(qq{INSERT INTO cloudgreet.sms_messages (business_id, id, direction, content, status) VALUES ('$business', '$outbox', 'outbound', 'x', 'unknown');
	INSERT INTO cloudgreet_private.outbox (business_id, id, account_id, provider, operation, idempotency, subject_type, subject_id, body, state, deadline_at)
	VALUES ('$business', '$outbox', '$account{telnyx}', 'telnyx', 'send_message', 'none', 'sms_message', '$outbox', '', 'unknown', 'infinity')});
is($hooks->deliver($attacker->prepare('names', 'telnyx', {data => {event_type => 'message.sent', id => 'ev-2', payload => {id => 'out-1', from => {phone_number => '+13125550150'}, to => [{phone_number => '+13125550199', status => 'sent'}]}}},
	target => "/api/sms/webhook/$neighbours{telnyx}/$outbox")), 200, 'a request that names the outbox row of another is taken');
is($hooks->sql("SELECT cloudgreet_private.process_webhooks(); SELECT state FROM cloudgreet_private.requests; SELECT status FROM cloudgreet.sms_messages WHERE id = '$outbox'"), "1\nunknown\nunknown", 'but the row does not hear of it');

# --- The providers' examples ----------------------------------------------------------
SKIP:
{
	my $directory = ($ENV{CLOUDGREET_SHARED} // '') . '/providers/webhook_examples';
	skip 'the examples are not here', 1 unless -d $directory;
	my $n = 0;
	foreach my $file (sort glob("$directory/*.json"))
	{
		my $example = $Webhooks::json->decode(slurp_file($file));
		my ($provider) = $example->{event} =~ /^([a-z]+)/;
		next if $example->{event} eq 'retell.function_call';
		my $headers = $provider eq 'google' ? {map { lc($_) => $example->{headers}{$_} } keys %{$example->{headers}}} : undef;
		$headers->{'x-goog-channel-token'} = 'a-token' if $headers;
		is($hooks->deliver($hooks->prepare($example->{event}, $provider, $example->{body} // '', headers => $headers, target => "/api/$path{$provider}/webhook/$account{$provider}")),
			200, "$example->{event} is taken");
		$n++;
	}
	cmp_ok($hooks->sql('SELECT cloudgreet_private.process_webhooks()'), '>=', 20, "most of $n are stored");
	is($hooks->sql("SELECT string_agg(event_type || ' ' || state || ' ' || reason, ', ') FROM cloudgreet_private.webhook_inbox WHERE business_id = '$business' AND state NOT IN ('processed', 'ignored')"), '', 'all are processed or of no use');
	is($hooks->sql("SELECT c.status || ' ' || c.duration FROM cloudgreet.calls c WHERE c.business_id = '$business' AND c.provider = 'telnyx'"), 'completed 148', 'the call of Telnyx is there');
	is($hooks->sql("SELECT status || ' ' || coalesce(bounce_type, '') FROM cloudgreet.emails WHERE business_id = '$business' AND provider_email_id LIKE '4ef9%'"), 'complained Permanent', 'the e-mail is there');
}

done_testing();

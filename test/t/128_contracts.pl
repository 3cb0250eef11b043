# 128_contracts.pl
#		The fake provider against the providers' own specifications: a proxy between client
#		and fake refuses wrong requests, and would answer 500 to a wrong answer of the fake.
#
# The proxy lets everything pass where it cannot compile a schema; so a wrong request to
# each operation shows that it judges at all.  By the specification a webhook_url names a
# public host.
use strict;
use warnings;
use FakeProvider;
use JSON::PP ();
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
plan skip_all => 'the specifications are not here (CLOUDGREET_SHARED)' unless FakeProvider::specifications();
plan skip_all => 'the contract packages are not installed' unless -d 'test/contract/node_modules';

my $fake = FakeProvider->start;
$fake->start_contracts(qw(telnyx resend retell));
$fake->set(webhook_origins => { 'https://db.example.com' => 'http://127.0.0.1:9' });
my %base = map { $_ => $fake->contract_url($_) } qw(telnyx resend retell);

sub ask
{
	my ($provider, $method, $path, $body, %options) = @_;
	return $fake->request($provider, $method, $path, $body, base => $base{$provider}, %options);
}

# A request that passes the contract, as does the fake's answer; returns the answer.
sub passes
{
	my ($status, $name, @request) = @_;
	my $response = ask(@request);
	is($response->{status}, $status, $name) or diag($response->{content});
	return $response->{json};
}

# A request that the proxy refuses before the fake sees it.
sub refused
{
	my ($status, $name, @request) = @_;
	my $before = $fake->log;
	my $response = ask(@request);
	is($response->{status}, $status, "refused: $name") or diag($response->{content});
	is(scalar(my @seen = $fake->log), $before, '... before the fake sees it');
	return;
}

my %numbers = (from => '+13125550100', to => '+13125550199');
my %sms = (%numbers, text => 'You are booked.', webhook_url => 'https://db.example.com/sms');
my $message = passes(200, 'telnyx: a message', 'telnyx', 'POST', '/messages', \%sms)->{data};
passes(200, 'telnyx: by profile, with media', 'telnyx', 'POST', '/messages',
	{ to => $numbers{to}, messaging_profile_id => 'p', media_urls => ['https://example.com/a.png'], subject => 's' });
passes(200, 'telnyx: the message again', 'telnyx', 'GET', "/messages/$message->{id}");
passes(404, 'telnyx: an unknown message', 'telnyx', 'GET', '/messages/00000000-0000-4000-8000-000000000000');
passes(422, 'telnyx: a number that the specification lets pass', 'telnyx', 'POST', '/messages', { %sms, to => '1' });
$fake->set(opted_out => ["$numbers{from}>$numbers{to}"]);
passes(409, 'telnyx: a blocked pair', 'telnyx', 'POST', '/messages', \%sms);
refused(422, 'telnyx: unknown field', 'telnyx', 'POST', '/messages', { %sms, txt => 'x' });
refused(422, 'telnyx: no to', 'telnyx', 'POST', '/messages', { text => 'x' });
refused(422, 'telnyx: wrong type', 'telnyx', 'POST', '/messages', { %sms, text => 5 });
refused(422, 'telnyx: wrong encoding', 'telnyx', 'POST', '/messages', { %sms, encoding => 'utf8' });
refused(401, 'telnyx: no key', 'telnyx', 'POST', '/messages', \%sms, headers => { authorization => undef });
refused(422, 'telnyx: media type', 'telnyx', 'POST', '/messages', 'to=1', headers => { 'content-type' => 'application/x-www-form-urlencoded' });
refused(404, 'telnyx: unknown path', 'telnyx', 'POST', '/message', \%sms);

my $call = passes(200, 'telnyx: a call', 'telnyx', 'POST', '/calls', { connection_id => '1', %numbers, command_id => 'd', client_state => 'YQ==' })->{data};
(my $path = "/calls/$call->{call_control_id}/actions") =~ s{(v3:[^/]+)/([^/]+)/}{$1%2F$2/};
passes(422, 'telnyx: speaking before the answer', 'telnyx', 'POST', "$path/speak", { payload => 'Hi', voice => 'female' });
$fake->webhook('telnyx', 'call.answered', url => 'http://127.0.0.1:9/', fields => { call_control_id => $call->{call_control_id} });
passes(200, 'telnyx: speaking', 'telnyx', 'POST', "$path/speak", { payload => 'Hi', voice => 'female', language => 'en-US' });
passes(200, 'telnyx: transfer', 'telnyx', 'POST', "$path/transfer", { to => 'sip:c@sip.example.com', sip_transport_protocol => 'TCP' });
passes(200, 'telnyx: hang up', 'telnyx', 'POST', "$path/hangup", { command_id => 'h' });
passes(422, 'telnyx: hang up again', 'telnyx', 'POST', "$path/hangup", {});
refused(422, 'telnyx: a call from nowhere', 'telnyx', 'POST', '/calls', { connection_id => '1', to => $numbers{to} });
refused(422, 'telnyx: an action misspelled', 'telnyx', 'POST', "$path/transfer", { target => 'sip:c@sip.example.com' });
refused(422, 'telnyx: a voice forgotten', 'telnyx', 'POST', "$path/speak", { payload => 'Hi' });
refused(422, 'telnyx: a command id misspelled', 'telnyx', 'POST', "$path/hangup", { commandId => 'h' });

my %mail = (from => 'Desk <desk@example.com>', to => ['ana@example.org'], subject => 'Booked', html => '<p>x</p>',
	tags => [ { name => 'cg', value => '1' } ], headers => { 'X-Entity-Ref-ID' => '1' }, reply_to => 'desk@example.com');
my $mail = passes(200, 'resend: an e-mail', 'resend', 'POST', '/emails', \%mail, headers => { 'idempotency-key' => 'k' });
is(passes(200, 'resend: by the same key', 'resend', 'POST', '/emails', \%mail, headers => { 'idempotency-key' => 'k' })->{id}, $mail->{id}, '... is the same e-mail');
passes(200, 'resend: the e-mail again', 'resend', 'GET', "/emails/$mail->{id}");
refused(422, 'resend: unknown field', 'resend', 'POST', '/emails', { %mail, replyTo => 'x' });
refused(422, 'resend: no subject', 'resend', 'POST', '/emails', { from => $mail{from}, to => $mail{to} });
refused(422, 'resend: 51 addresses', 'resend', 'POST', '/emails', { %mail, to => [ ('a@example.org') x 51 ] });
refused(422, 'resend: tags as an object', 'resend', 'POST', '/emails', { %mail, tags => { cg => '1' } });
refused(422, 'resend: long key', 'resend', 'POST', '/emails', \%mail, headers => { 'idempotency-key' => 'x' x 257 });
refused(401, 'resend: no key', 'resend', 'POST', '/emails', \%mail, headers => { authorization => undef });

my %phone = (from_number => '+13125550100', to_number => '+13125550199');
my %placed = (%phone, override_agent_id => 'agent_1', metadata => { cg_request_id => 'r1' }, retell_llm_dynamic_variables => { name => 'Ana' });
my $placed = passes(201, 'retell: a call', 'retell', 'POST', '/v2/create-phone-call', \%placed);
passes(201, 'retell: a call registered', 'retell', 'POST', '/v2/register-phone-call', { agent_id => 'agent_1', direction => 'inbound', %phone });
passes(200, 'retell: the call again', 'retell', 'GET', "/v2/get-call/$placed->{call_id}");
my %by_metadata = (filter_criteria => { metadata => [ { key => 'cg_request_id', type => 'string', op => 'eq', value => 'r1' } ] });
is(scalar @{ passes(200, 'retell: the listing', 'retell', 'POST', '/v3/list-calls', { %by_metadata, limit => 10 })->{items} }, 1, '... finds it');
$fake->webhook('retell', $_, url => 'http://127.0.0.1:9/', fields => { call_id => $placed->{call_id} }) for qw(call_started call_ended call_analyzed);
passes(200, 'retell: the call when it is over', 'retell', 'GET', "/v2/get-call/$placed->{call_id}");
passes(422, 'retell: a number that the specification lets pass', 'retell', 'POST', '/v2/create-phone-call', { %placed, to_number => '1' });
refused(422, 'retell: unknown field', 'retell', 'POST', '/v2/create-phone-call', { %placed, agent_id => 'a' });
refused(422, 'retell: no number', 'retell', 'POST', '/v2/create-phone-call', { from_number => '+13125550100' });
refused(422, 'retell: metadata as text', 'retell', 'POST', '/v2/create-phone-call', { %placed, metadata => 'x' });
refused(422, 'retell: no agent', 'retell', 'POST', '/v2/register-phone-call', {%phone});
refused(422, 'retell: a filter without its type', 'retell', 'POST', '/v3/list-calls', { filter_criteria => { metadata => [ { key => 'x', op => 'eq' } ] } });
refused(401, 'retell: no key', 'retell', 'POST', '/v2/create-phone-call', \%placed, headers => { authorization => undef });

# An answer of the fake that breaks the contract does not reach the client.
$fake->script({ match => { provider => 'telnyx' }, action => { accepted => JSON::PP::true, body => { data => { record_type => 'mess', parts => 'one' } } } });
$fake->set(opted_out => []);
is(ask('telnyx', 'POST', '/messages', \%sms)->{status}, 500, 'a wrong answer is seen');
$fake->script({ action => { status => 429, headers => { 'retry-after' => '3' } } });
my $limited = ask('telnyx', 'POST', '/messages', \%sms);
is("$limited->{status} $limited->{headers}{'retry-after'}", '429 3', 'a scripted error passes, with its header');
done_testing();

# 147_outbox_lanes.pl
#		What a lane and its account wait for: rates of the account and of each number, a breaker
#		that one request tries, and names that nobody knows.
use strict;
use warnings;
use FakeProvider;
use Sending;
use Supervised qw(until_true);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();

my $server = Sending->start('lanes', "cloudgreet.outbox_max_attempts = 2\nlog_statement = none");
my ($node, $fake) = @$server{qw(node fake)};
$fake->set(auto_webhooks => []);
my $business = $server->{business};
sub sql { my ($sql) = @_; return $server->sql($sql); }
sub arrived { my ($words) = @_; return scalar grep { $_->{body} =~ /"$words/ } $fake->log; }

# So many texts of a number, each to another contact.
sub texts { my ($words, $n, $from) = @_; return "SELECT count(cloudgreet.send_sms('+1312' || 5600000 + n, '$words ' || n, from_number => '$from', business_id => '$business')) FROM generate_series(1, $n) n"; }
sub rates { my ($rates) = @_; sql("UPDATE cloudgreet.provider_accounts SET settings = settings - 'max_per_second' - 'max_per_second_per_sender' || '$rates' WHERE provider = 'telnyx'"); return; }

# Waits for all texts with such words and tells the seconds between their first and last claim.
sub spread
{
	my ($words, $n) = @_;
	my $of = "FROM cloudgreet_private.requests r JOIN cloudgreet.sms_messages m ON m.id = r.subject_id WHERE m.content ~ '^$words '";
	$node->poll_query_until('postgres', "SELECT count(*) = $n $of AND r.state = 'done'") or die "not all of $words are sent";
	return sql("SELECT extract(epoch FROM max(r.first_sent_at) - min(r.first_sent_at)) $of");
}

# --- Rates -------------------------------------------------------------------------------
# The first request tells the rate; then there is a second's worth at once, and the rest comes by the rate.
sql("SELECT cloudgreet.add_phone_number('+12125550124', business_id => '$business')");
rates('{"max_per_second": 10}');
sql(texts('learn', 1, '+12125550123'));
spread('learn', 1);
sql(texts('both', 10, '+12125550123') . ';' . texts('both', 15, '+12125550124'));
cmp_ok(spread('both', 25), '>=', 1.3, 'an account has a rate, whatever its numbers are');
rates('{"max_per_second_per_sender": 10}');
sql(texts('learned', 1, '+12125550123') . ';' . texts('learned', 1, '+12125550124'));
spread('learned', 2);
sql(texts('slow', 25, '+12125550123') . ';' . texts('quick', 5, '+12125550124'));
cmp_ok(spread('slow', 25), '>=', 1.3, 'a number has one');
cmp_ok(spread('quick', 5), '<', 1, 'which holds no text of another number');
rates('{}');

# --- The breaker -------------------------------------------------------------------------
# Five outages in a row open it; until the provider is back one request at a time finds out.
$fake->script({ match => { body => '"down ' }, times => 10000, action => { status => 503, delay_ms => 100 } });
sql("SELECT count(cloudgreet.send_email('c' || n || '\@example.org', 'down ' || n, 'x', business_id => '$business')) FROM generate_series(1, 200) n");
until_true('the breaker opens', sub { arrived('down ') >= 5 });
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM cloudgreet_private.outbox WHERE state = 'sending'}) or die;
my $tries = arrived('down ');
my $most = 0;
until_true('three more tries', sub { my $now = sql(q{SELECT count(*) FROM cloudgreet_private.outbox WHERE state = 'sending'}); $most = $now if $now > $most; arrived('down ') >= $tries + 3 });
cmp_ok($most, '<=', 1, 'while the breaker is open one request finds out whether the provider is back');
is(sql('SELECT sum(failures) FROM cloudgreet_private.outbox'), 0, 'and an outage costs no attempt');
$fake->reset;
$fake->set(auto_webhooks => []);
$node->poll_query_until('postgres', q{SELECT count(*) = 200 FROM cloudgreet_private.outbox_history WHERE channel = 'email' AND state = 'done'}) or die;
pass('when it is back all are sent');

# --- A limit -----------------------------------------------------------------------------
$fake->script({ match => { body => '"limit ' }, times => 5, action => { status => 429, headers => { 'Retry-After' => '0' } } });
sql(texts('limit', 1, '+12125550123'));
is(spread('limit', 1), '0.000000', 'a text that met 429 more often than attempts may fail is sent');
is(arrived('limit '), 6, 'by the sixth try');

# Some hosts tell the time at which the limit ends, not for how long it lasts.
$fake->script({ match => { body => '"until ' }, times => 1, action => { status => 429, headers => { 'X-RateLimit-Reset' => '' . (time + 1) } } });
sql(texts('until', 1, '+12125550123'));
spread('until', 1);
is(arrived('until '), 2, 'a limit that ends at a Unix time is waited for until then');

# --- A name that nobody knows ------------------------------------------------------------
sql(q{ALTER SYSTEM SET cloudgreet.telnyx_url = 'http://nobody.invalid:9/v2'});
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('cloudgreet.telnyx_url') ~ 'invalid'}) or die;
sql(texts('nobody', 1, '+12125550123'));
$node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cloudgreet_private.outbox_attempts WHERE error_code = 'dns'}) or die;
is(sql(q{SELECT bool_and(duration_ms < 5000) FROM cloudgreet_private.outbox_attempts WHERE error_code = 'dns'}), 't', 'a look-up that fails ends its attempt, long before its time is up');
is(sql('SELECT count(*) FROM cloudgreet_private.outbox_faults()'), 0, 'no faults');
$node->stop;
done_testing();

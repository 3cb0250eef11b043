# 146_outbox_fairness.pl
#		Nobody waits for another: what one business sends or breaks holds no other's message,
#		nor one number's texts another number's.  Beta's message leaves at once each time.
use strict;
use warnings;
use FakeProvider;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Sending;
use Supervised qw(until_true);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'no node here' unless FakeProvider::has_node();

my $server = Sending->start('fairness', "cloudgreet.outbox_attempt_timeout = '4s'\ncloudgreet.outbox_max_per_contact = 10000\nlog_statement = none");
my ($node, $fake) = @$server{qw(node fake)};
$fake->set(auto_webhooks => []);
my $number = 600;
my %business = (beta => $server->add_business('Beta', '+12125550601'));
my $sent = 0;

sub sql { my ($sql) = @_; return $server->sql($sql); }
sub arrived { my ($words) = @_; return scalar grep { $_->{body} =~ /"$words/ } $fake->log; }

# A business of its own for each trouble.
sub business { my ($name) = @_; $number += 2; return $business{$name} = $server->add_business(ucfirst $name, "+12125550$number"); }

# Text of a business to n numbers.
sub texts_sql
{
	my ($name, $words, $n) = @_;
	return "SELECT count(cloudgreet.send_sms('+1312' || 5600000 + n, '$words ' || n, business_id => '$business{$name}')) FROM generate_series(1, $n) n";
}

# Five texts of Beta, each in a transaction of its own, which must be claimed within a second of it; by the
# server's clock, for how long a client takes to start is another matter.
sub beta_is_quick
{
	my ($while, $limit) = @_;
	my $words = 'beta ' . ++$sent . '.';
	sql(join ';', map { "SELECT cloudgreet.send_sms('+1312555060$_', '$words$_', business_id => '$business{beta}')" } 1 .. 5);
	until_true('texts of Beta', sub { arrived($words) == 5 });
	my $longest = sql("SELECT max(extract(epoch FROM r.first_sent_at - r.created_at)) FROM cloudgreet_private.requests r JOIN cloudgreet.sms_messages m ON m.id = r.subject_id WHERE m.content ~ '^\Q$words\E'");
	return cmp_ok($longest, '<', $limit // 1, sprintf('Beta\'s texts leave within %.2f s while %s', $longest, $while));
}

# Seconds of processor time that the dispatcher has used.
my $dispatcher;
sub worked { my @stat = split / /, slurp_file("/proc/$dispatcher/stat") =~ s/\(.*\)/name/r; return ($stat[13] + $stat[14]) / 100; }

sub state_of { my ($words) = @_; return sql("SELECT r.state || coalesce(' ' || r.reason, '') FROM cloudgreet_private.requests r JOIN cloudgreet.sms_messages m ON m.id = r.subject_id WHERE m.content = '$words'"); }
sub alert_of { my ($name) = @_; return sql("SELECT string_agg(alert_type, ' ') FROM cloudgreet.alerts WHERE business_id = '$business{$name}'"); }

# --- A provider that hangs ---------------------------------------------------------------
business('hanging');
$fake->script({ match => { body => 'hang ' }, times => 10000, action => { hang => JSON::PP::true } });
sql(texts_sql('hanging', 'hang', 2000));
$node->poll_query_until('postgres', "SELECT count(*) = 64 FROM cloudgreet_private.outbox WHERE state = 'sending'") or die;
pass('one business alone may hold half of the slots');
$dispatcher = sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet dispatcher'");
beta_is_quick('2,000 texts of another hang');
sql("SELECT cloudgreet.pause_account(a.id, a.business_id) FROM cloudgreet.provider_accounts a WHERE a.business_id = '$business{hanging}' AND a.provider = 'telnyx'");
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM cloudgreet_private.outbox WHERE business_id = '$business{hanging}' AND state IN ('queued', 'sending')") or die;
is(sql("SELECT string_agg(DISTINCT reason, ', ' ORDER BY reason) FROM cloudgreet_private.outbox WHERE business_id = '$business{hanging}'"),
	'the provider account is paused, timeout', 'and when its account is paused the rest is held');

# --- Rows that are locked ----------------------------------------------------------------
business('locked');
# Of those that are under way the texts, of those that are to be claimed the requests; the
# dispatcher is stopped until the locks are there.
$fake->script({ match => { body => 'slow ' }, times => 40, action => { delay_ms => 3000 } });
sql(texts_sql('locked', 'slow', 40));
until_true('texts that are under way', sub { arrived('slow') == 40 });
kill 'STOP', $dispatcher or die;
sql(texts_sql('locked', 'later', 70));
my ($commands, $answers) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$commands, '>', \$answers, '2>', \my $errors);
$commands .= "BEGIN; SELECT count(*) FROM (SELECT FROM cloudgreet_private.outbox o WHERE o.business_id = '$business{locked}' AND o.state = 'queued' FOR UPDATE) o;\n"
	. "SELECT count(*) FROM (SELECT FROM cloudgreet.sms_messages m WHERE m.business_id = '$business{locked}' AND m.content ~ 'slow' AND m.status = 'queued' FOR UPDATE) m;\n";
$session->pump until $answers =~ /\d\n\d+\n/;
my ($due, $under_way) = split /\n/, $answers;
ok($due == 70 && $under_way > 0, "a session locks 70 that are due and $under_way that are under way");
kill 'CONT', $dispatcher or die;
my ($from, $used) = (time, worked());
beta_is_quick('rows of another are locked');
until_true('a second', sub { time - $from > 1 });
cmp_ok((worked() - $used) / (time - $from), '<', 0.5, 'and the dispatcher does not spin');
is(sql("SELECT count(*) FROM cloudgreet_private.outbox WHERE business_id = '$business{locked}'"), 70 + $under_way, 'whose rows are as they were');
$commands .= "ROLLBACK;\n\\q\n";
$session->finish;
$node->poll_query_until('postgres', "SELECT count(*) = 110 FROM cloudgreet_private.outbox_history WHERE business_id = '$business{locked}' AND state = 'done'") or die;
pass('when they are free all is sent and recorded');

# --- Results that cannot be recorded ------------------------------------------------------
# They hold no slot, but a place each, and of these a business has its share as well.
business('kept');
kill 'STOP', $dispatcher or die;
sql(texts_sql('kept', 'kept', 300));
($commands, $answers) = ('', '');
$session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$commands, '>', \$answers, '2>', \$errors);
$commands .= "BEGIN; SELECT count(*) FROM (SELECT FROM cloudgreet.sms_messages m WHERE m.business_id = '$business{kept}' FOR UPDATE) m;\n";
$session->pump until $answers =~ /\d\n/;
kill 'CONT', $dispatcher or die;
until_true('as many as may be sent', sub { arrived('kept') >= 128 });
beta_is_quick('300 texts of another are sent and locked');
is(sql("SELECT count(*) FROM cloudgreet_private.outbox WHERE business_id = '$business{kept}' AND state = 'sending'"), 128, 'which has half of the places');
$commands .= "ROLLBACK;\n\\q\n";
$session->finish;
$node->poll_query_until('postgres', "SELECT count(*) = 300 FROM cloudgreet_private.outbox_history WHERE business_id = '$business{kept}' AND state = 'done'") or die;
pass('when they are free all are sent and recorded');

# --- Rows that raise ---------------------------------------------------------------------
business('poison');
sql(q{CREATE FUNCTION public.planted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted when %', tg_argv[0]; END $$;
	CREATE TRIGGER claim BEFORE UPDATE ON cloudgreet_private.outbox FOR EACH ROW WHEN (new.state = 'sending' AND convert_from(new.body, 'UTF8') ~ 'poison 7"') EXECUTE FUNCTION public.planted('claimed');
	CREATE TRIGGER settle BEFORE DELETE ON cloudgreet_private.outbox FOR EACH ROW WHEN (convert_from(old.body, 'UTF8') ~ 'poison 13"') EXECUTE FUNCTION public.planted('settled')});
sql(texts_sql('poison', 'poison', 60));
beta_is_quick('a row of another raises when it is claimed, and one when it is settled');
$node->poll_query_until('postgres', "SELECT count(*) = 2 FROM cloudgreet_private.outbox WHERE business_id = '$business{poison}' AND state = 'held'") or die;
is(state_of('poison 7'), 'held P0001: planted when claimed', 'the one is held with its reason');
is(state_of('poison 13'), 'held P0001: planted when settled', 'and so is the other');
is(alert_of('poison'), 'delivery_held', 'an alert says so');
$node->poll_query_until('postgres', "SELECT count(*) = 58 FROM cloudgreet_private.outbox_history WHERE business_id = '$business{poison}' AND state = 'done'") or die;
is(arrived('poison 13"') . arrived('poison 7"'), '10', 'the others are sent; what was sent is not sent again');
sql('DROP FUNCTION public.planted() CASCADE');

# --- A limit, an outage ------------------------------------------------------------------
business('limited');
$fake->script({ match => { body => 'limit ' }, times => 12, action => { status => 429, headers => { 'Retry-After' => '1' } } });
sql(texts_sql('limited', 'limit', 12));
$node->poll_query_until('postgres', "SELECT count(*) = 12 FROM cloudgreet_private.requests r WHERE business_id = '$business{limited}' AND (state = 'done' OR attempts > 0 AND state = 'queued')") or die;
is(sql("SELECT coalesce(sum(failures), 0) FROM cloudgreet_private.outbox WHERE business_id = '$business{limited}'"), 0, '429 costs no attempt');
beta_is_quick('another is limited');
$node->poll_query_until('postgres', "SELECT count(*) = 12 FROM cloudgreet_private.outbox_history WHERE business_id = '$business{limited}' AND state = 'done'") or die;
pass('and all goes out after the pause');

business('down');
$fake->script({ match => { body => '"down ' }, times => 10000, action => { status => 503 } });
sql("SELECT count(cloudgreet.send_email('c' || n || '\@example.org', 'down ' || n, 'x', business_id => '$business{down}')) FROM generate_series(1, 400) n");
until_true('the breaker', sub { arrived('down ') >= 5 });
beta_is_quick('the provider of another is down');
my $tries = arrived('down ');
cmp_ok($tries, '<=', 64 + 10, "400 e-mails ask $tries times, not each for itself");
$fake->reset;
$fake->set(auto_webhooks => []);
$node->poll_query_until('postgres', "SELECT count(*) = 400 FROM cloudgreet_private.outbox_history WHERE business_id = '$business{down}' AND state = 'done'") or die;
pass('when it is back all are sent');

# --- 5,000 texts to one number -----------------------------------------------------------
sql("SELECT cloudgreet.send_sms('+13125550777', 'first', send_at => clock_timestamp() + interval '1 day', business_id => '$business{down}')");
my $columns = sub { my ($table, @not) = @_; my $not = join ',', map { "'$_'" } @not; return sql("SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ($not)"); };
my ($of_text, $of_request) = ($columns->('cloudgreet.sms_messages', 'id'), $columns->('cloudgreet_private.outbox', 'id', 'subject_id', 'due_at', 'next_at'));
sql(qq{WITH ids AS MATERIALIZED (SELECT cloudgreet.uuid_v7() AS id FROM generate_series(1, 5000)),
	texts AS (INSERT INTO cloudgreet.sms_messages (id, $of_text) SELECT i.id, $of_text FROM (SELECT $of_text FROM cloudgreet.sms_messages WHERE content = 'first') m, ids i)
	INSERT INTO cloudgreet_private.outbox (id, subject_id, due_at, next_at, $of_request) SELECT i.id, i.id, now(), now(), $of_request FROM (SELECT o.* FROM cloudgreet_private.outbox o JOIN cloudgreet.sms_messages m ON m.id = o.subject_id WHERE content = 'first') o, ids i});
$business{beta} = $business{down};
# The first waits until all of these are known to wait, which is a claim of each, once.
beta_is_quick('5,000 texts of its own wait for one number', 3);
is(sql("SELECT count(*) FILTER (WHERE state = 'sending') <= 1 FROM cloudgreet_private.outbox WHERE contact = '+13125550777'"), 't', 'which are sent one after the other');
sql("SELECT cloudgreet.pause_account(a.id, a.business_id) FROM cloudgreet.provider_accounts a WHERE a.business_id = '$business{down}' AND a.provider = 'telnyx'");
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM cloudgreet_private.outbox WHERE business_id = '$business{down}' AND state = 'sending'") or die;
is(sql('SELECT count(*) FROM cloudgreet_private.outbox_faults()'), 0, 'no faults');
$node->stop;
done_testing();

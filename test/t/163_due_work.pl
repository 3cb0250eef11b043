# 163_due_work.pl
#		What is for later leaves within a second of its time where the library is preloaded:
#		the processor knows the next time, is woken by a commit that plans an earlier one, works
#		off a backlog, and does nothing twice beside tick().
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('due_work');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'cloudgreet'\nmax_worker_processes = 16\nfsync = off\ncloudgreet.gate = off");
$node->start;
sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sql('CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
$node->append_conf('postgresql.conf', "cloudgreet.databases = 'postgres'");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'cloudgreet processor' AND state = 'idle'"), 'the processor runs');

my $business = sql("SELECT cloudgreet.create_business('Acme', 'UTC')");
# Appointments of leads that cannot be texted, and the time of their reminders.
sub plan_visits
{
	my ($n, $due) = @_;
	return sql(qq{SET session_replication_role = replica;
		WITH new_leads AS (INSERT INTO cloudgreet.leads (business_id, name) SELECT '$business', 'Ana' FROM generate_series(1, $n) RETURNING id),
		visits AS (INSERT INTO cloudgreet.appointments (business_id, lead_id, scheduled_date, ends_at, time_zone)
			SELECT '$business', id, now() + interval '2 days', now() + interval '3 days', 'UTC' FROM new_leads RETURNING id)
		INSERT INTO cloudgreet.appointment_reminders (business_id, appointment_id, type, channel, due_at) SELECT '$business', id, '24h', 'sms', $due FROM visits;
		SET session_replication_role = origin;
		INSERT INTO cloudgreet_private.due_work (business_id, kind, subject_id, due_at)
		SELECT business_id, 'reminder', id, due_at FROM cloudgreet.appointment_reminders r WHERE status = 'scheduled' AND NOT EXISTS (SELECT FROM cloudgreet_private.due_work w WHERE w.subject_id = r.id)});
}
my $left = q{SELECT count(*) = 0 FROM cloudgreet_private.due_work WHERE due_at < now() + interval '1 hour'};
my $late = q{SELECT coalesce(max(extract(epoch FROM occurred_at - r.due_at)), 9) FROM cloudgreet.events e JOIN cloudgreet.appointment_reminders r ON r.appointment_id = e.subject_id
	WHERE e.event_type ~ '^reminder' AND r.due_at >= (SELECT max(due_at) FROM cloudgreet.appointment_reminders WHERE status = 'skipped')};

plan_visits(1, q{now() + interval '2 hours'});
plan_visits(1, 'now()');
ok($node->poll_query_until('postgres', $left), 'what is due when it is planned is done, though the processor waits for a later time');
cmp_ok(sql($late), '<', 1, 'within a second');
plan_visits(1, q{now() + interval '1500 milliseconds'});
ok($node->poll_query_until('postgres', $left), 'what is for later is done');
my $seconds = sql($late);
ok($seconds >= 0 && $seconds < 1, 'within a second of its time, and not before') or diag($seconds);

# A backlog, with two calls of tick() beside the processor.
plan_visits(600, q{now() - interval '1 hour'});
my @ticks = map { IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT cloudgreet.tick()'], '>', \my $out, '2>', \my $errors) } 1 .. 2;
$_->finish foreach @ticks;
is(scalar(grep { $_->result } @ticks), 0, 'tick() beside the processor raises nothing');
ok($node->poll_query_until('postgres', $left), 'an hour\'s backlog is caught up');
is(sql(q{SELECT count(*) || ' ' || count(DISTINCT subject_id) FROM cloudgreet.events WHERE event_type = 'reminder.skipped'}), '602 602', 'nothing is done twice');
is(sql('SELECT count(*) FROM cloudgreet_private.due_work'), 1, 'and nothing that is not due');

# Without the processor: a call of tick() ends when its time is over, and the next goes on.
$node->append_conf('postgresql.conf', "cloudgreet.databases = ''\ncloudgreet.tick_time_limit = 1ms");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'cloudgreet processor'"), 'the processor goes');
plan_visits(450, q{now() - interval '1 hour'});
my @pieces = map { sql('SELECT cloudgreet.tick()') } 1 .. 3;
is("@pieces", '200 200 50', 'a call of tick() ends with the chunk in which its time is over; the next goes on');
unlike(slurp_file($node->logfile), qr/ERROR/, 'without an error');

done_testing();

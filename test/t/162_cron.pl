# 162_cron.pl
#		tick() called by pg_cron, by both of its ways to run a job: what is due is done, by
#		the role that may do nothing else.
#
# pg_cron of Debian 12 knows no interval shorter than a minute, so the job that
# schedule_jobs() made is run at the start of the server instead of waited for.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cron');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'cloudgreet'\nmax_worker_processes = 16\nfsync = off");
$node->start;
plan skip_all => 'pg_cron is not installed: test/lib/setup does it' unless $node->safe_psql('postgres', "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'");

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql); }
sub error { my ($sql) = @_; return ($node->psql('postgres', "\\set VERBOSITY verbose\n$sql"))[2] =~ /ERROR:  (\w+)/ ? $1 : 'none'; }

sub restart
{
	my ($settings) = @_;
	$node->append_conf('postgresql.conf', $settings);
	$node->restart;
	return;
}

sql('CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
is(error('SELECT cloudgreet.schedule_jobs();'), '0A000', 'without pg_cron there is nothing to schedule with');
restart("shared_preload_libraries = 'cloudgreet, pg_cron'\ncron.database_name = 'postgres'\ncron.host = '" . $node->host . "'");
sql('CREATE EXTENSION pg_cron');
my $job = sql('SELECT cloudgreet.schedule_jobs()');
is(sql('SELECT cloudgreet.schedule_jobs()'), $job, 'scheduled again it is the same job');
is(sql("SELECT jobname, schedule, command, database, username, active FROM cron.job"), 'cloudgreet postgres|* * * * *|SELECT cloudgreet.tick()|postgres|cloudgreet_cron|t', 'every minute, as cloudgreet_cron');

# Something that is due: the reminder of an appointment whose lead cannot be texted.
my $business = sql("SELECT cloudgreet.create_business('Acme', 'America/New_York')");
sub make_due
{
	sql(qq{INSERT INTO cloudgreet.leads (business_id, phone) VALUES ('$business', '+121255501' || (SELECT 10 + count(*) FROM cloudgreet.leads));
		INSERT INTO cloudgreet.appointments (business_id, lead_id, scheduled_date, ends_at, time_zone)
		SELECT business_id, id, cloudgreet.clock() + interval '90 minutes', cloudgreet.clock() + interval '2 hours', 'UTC' FROM cloudgreet.leads ORDER BY id DESC LIMIT 1;
		UPDATE cloudgreet_private.due_work SET due_at = cloudgreet.clock()});
	return;
}

foreach my $way (['off', 'by a connection'], ['on', 'by a background worker'])
{
	make_due();
	is(sql('SELECT count(*) FROM cloudgreet_private.due_work'), 1, 'a reminder is due');
	my $runs = sql('SELECT count(*) FROM cron.job_run_details');
	sql("UPDATE cron.job SET schedule = '\@reboot'");
	restart("cron.use_background_workers = $way->[0]");
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM cloudgreet_private.due_work'), "pg_cron runs the job, $way->[1]");
	ok($node->poll_query_until('postgres', "SELECT count(*) > $runs AND bool_and(status = 'succeeded') FROM cron.job_run_details WHERE username = 'cloudgreet_cron'"), 'and says that it succeeded')
		or diag(sql('SELECT status, return_message FROM cron.job_run_details'));
}
is(sql("SELECT string_agg(DISTINCT status, ' ') FROM cloudgreet.appointment_reminders"), 'skipped', 'the reminders are released');
is(sql('SELECT cloudgreet.unschedule_jobs()') . sql('SELECT count(*) FROM cron.job'), '10', 'the job is taken away');
is(sql('SELECT cloudgreet.unschedule_jobs()'), 0, 'and then there is none');
sql('SELECT cloudgreet.schedule_jobs(); SELECT cloudgreet.uninstall()');
is(sql('SELECT count(*) FROM cron.job'), 0, 'uninstall() takes it away too');

done_testing();

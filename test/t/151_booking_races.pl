# 151_booking_races.pl
#		Fifty sessions want one time; moves meet cancellations; random calendars are
#		compared with every step tried.  Nobody is told of a deadlock or a constraint.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('races');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 80\ndeadlock_timeout = 50ms");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
$node->safe_psql('postgres', slurp_file('test/lib/load_case.sql'));
my $sql = sub { return $node->safe_psql('postgres', $_[0]) };

my $business = $sql->("SELECT cloudgreet.create_business('Race', 'UTC')");
my $service = $sql->("SELECT cloudgreet.create_service('x', 30, business_id => '$business')");
my $always = '{' . join(',', map { "\"$_\": [[\"00:00\", \"24:00\"]]" } qw(sun mon tue wed thu fri sat)) . '}';
my $staff = $sql->("SELECT cloudgreet.add_staff('Bob', working_hours => '$always', business_id => '$business')");
$sql->("INSERT INTO cloudgreet.leads (business_id, id, name) SELECT '$business', ('a1a1a1a1-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, 'L' FROM generate_series(1, 50) i");
$sql->(q{CREATE FUNCTION public.outcome(call text) RETURNS text LANGUAGE plpgsql AS
	'BEGIN EXECUTE ''SELECT cloudgreet.'' || call; RETURN ''ok''; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END';
	CREATE TABLE public.outcomes (race int, outcome text)});

# Starts so many sessions, which wait for one lock; lets them go at once; returns outcomes and their numbers.
my $race_number = 0;
sub race
{
	my (@calls) = @_;
	my $race = ++$race_number;
	my $gate = $node->background_psql('postgres');
	$gate->query_safe('SELECT pg_advisory_lock(77)');
	my @runs;
	foreach my $call (@calls)
	{
		# Statements as arguments: IPC::Run feeds a standard input only while it is pumped.
		push @runs, IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_advisory_lock_shared(77)',
			'-c', "INSERT INTO public.outcomes SELECT $race, public.outcome(\$call\$$call\$call\$)" ], '<', \undef, '>', '/dev/null');
	}
	$node->poll_query_until('postgres', "SELECT count(*) = @{[ scalar @calls ]} FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted") or die 'not all sessions wait';
	$gate->query_safe('SELECT pg_advisory_unlock(77)');
	$_->finish foreach @runs;
	$gate->quit;
	return $sql->("SELECT string_agg(outcome || ' ' || n, ', ' ORDER BY outcome) FROM (SELECT outcome, count(*) AS n FROM public.outcomes WHERE race = $race GROUP BY 1) o");
}
sub book
{
	my ($lead, $start, $more) = @_;
	return sprintf("book_appointment('%s', '%s', 'a1a1a1a1-0000-7000-8000-%012d', business_id => '%s'%s)", $service, $start, $lead, $business, $more // '');
}
my $overlaps = qq{SELECT count(*) FROM cloudgreet.appointment_allocations a JOIN cloudgreet.appointment_allocations b
	ON a.business_id = b.business_id AND a.staff_id = b.staff_id AND a.id < b.id AND a.blocks && b.blocks WHERE a.state <> 'released' AND b.state <> 'released'};
my $day = $sql->("SELECT (now() AT TIME ZONE 'UTC')::date + 3");

is(race(map { book($_, "$day 09:00Z") } 1 .. 50), 'ZG401 49, ok 1', 'of fifty leads one gets the time');
is(race(map { book(1, "$day 10:00Z", ", idempotency_key => 'one'") } 1 .. 20), 'ok 20', 'one request sent twenty times is booked once');
is($sql->("SELECT count(*) FROM cloudgreet.appointments WHERE scheduled_date = '$day 10:00Z'"), 1, '... in one row');
like(race(map { book($_, sprintf('%s %02d:%02dZ', $day, 14 + int(($_ * 15) / 60), $_ * 15 % 60)) } 1 .. 16), qr/^ZG401 \d+, ok [678]$/, 'starts a quarter of an hour apart: six to eight win');

# --- Moves and cancellations ----------------------------------------------------------
my @ids = split /\n/, $sql->(join ';', map { 'SELECT (cloudgreet.' . book($_, sprintf('%s %02d:00Z', $day, $_ - 20)) . ').id' } 21 .. 28);
my @calls = map { my $id = $ids[$_]; my $next = $ids[ ($_ + 1) % 8 ];
	("reschedule_appointment('$id', '$day 20:00Z', business_id => '$business')", "cancel_appointment('$id', business_id => '$business')", "reschedule_appointment('$id', '$day 21:00Z', business_id => '$business')") } 0 .. 7;
unlike(race(@calls), qr/40P01|23P01|40001|XX/, 'moves and cancellations of the same appointments');
is($sql->("SELECT count(*) FROM cloudgreet.appointments a WHERE (a.status <> 'canceled') IS DISTINCT FROM EXISTS (SELECT FROM cloudgreet.appointment_allocations l WHERE l.appointment_id = a.id AND l.state = 'booked' AND l.starts_at = a.scheduled_date)"), 0, 'each appointment that stands has its time, no other has any');
is($sql->($overlaps), 0, 'nothing overlaps');
is($sql->('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()'), 0, 'no deadlock');

# --- Random calendars -----------------------------------------------------------------
my $seed = int(rand(1_000_000)) / 1_000_000;
note("seed $seed");
$node->safe_psql('postgres', slurp_file('test/lib/availability_oracle.sql'));
is($sql->("SELECT setseed($seed); SELECT string_agg(differs, '; ') FROM generate_series(1, 8) i, public.compare_calendar(i) AS differs"), "\n", "eight random calendars (seed $seed)");
done_testing();

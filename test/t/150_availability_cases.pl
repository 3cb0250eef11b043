# 150_availability_cases.pl
#		The sample cases of availability, where they are at hand, each under three zones of
#		the session; and what a random calendar has free, compared with every minute tried.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('cases');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
my $run = sub { return $node->safe_psql('postgres', $_[0]) };
$run->("\\i $ENV{TESTDIR}/test/lib/load_case.sql");

# --- The samples ----------------------------------------------------------------------
my $file = ($ENV{CLOUDGREET_SHARED} // '') . '/scheduling/cases.jsonl';
SKIP:
{
	skip 'the sample cases are not here', 1 unless -e $file;
	open(my $in, '<', $file) or die "$file: $!";
	my @cases = grep { $_->{spec}{kind} eq 'slots' } map { { spec => decode_json($_), text => s/'/''/gr } } <$in>;
	my @lacks = split /\n/, $run->(join "\n", map { "SELECT coalesce(public.case_lacks('$_->{text}'), '-');" } @cases);
	my @lacking = map { "$cases[$_]{spec}{name}: $lacks[$_]" } grep { $lacks[$_] ne '-' } 0 .. $#cases;
	@cases = @cases[grep { $lacks[$_] eq '-' } 0 .. $#cases];
	# Governments change their rules: a case holds while its zone has those it was written by.
	my %written_by = ('dst-Havana forward' => q{timestamptz '2027-03-13 12:00Z' AT TIME ZONE 'America/Havana' = '2027-03-13 07:00'});
	foreach my $name (grep { $run->("SELECT $written_by{$_}") eq 'f' } keys %written_by)
	{
		push @lacking, map { "$_->{spec}{name}: the zone's rules of then" } grep { $_->{spec}{name} =~ /^\Q$name\E/ } @cases;
		@cases = grep { $_->{spec}{name} !~ /^\Q$name\E/ } @cases;
	}
	my $ran = @cases;
	foreach my $zone ('UTC', 'America/New_York', 'Pacific/Apia')
	{
		my @answers = split /\n/, $run->("SET TimeZone = '$zone';" . join "\n", map { "BEGIN; SELECT public.run_case('$_->{text}'); ROLLBACK;" } @cases);
		is($answers[$_], '[' . join(', ', map { "\"$_\"" } @{ $cases[$_]{spec}{expect} }) . ']', "$cases[$_]{spec}{name} ($zone)") foreach 0 .. $#cases;
	}
	note("cannot run: $_") foreach @lacking;
	note(sprintf('%d cases ran, %d need what is not there yet', $ran, scalar @lacking));
	cmp_ok($ran, '>', 50, 'most of the cases can run');
}
done_testing();

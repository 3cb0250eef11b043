# 170_demo.pl
#		The demo: what it says when it cannot start, that a start which is interrupted or
#		killed is no trouble, its story, the lines that it prints, and that nothing is left.
use strict;
use warnings;
use Cwd;
use FakeProvider;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Supervised qw(until_true);
use Test::More;

my $share = `pg_config --sharedir` =~ s/\n//r;
plan skip_all => 'no node here' unless FakeProvider::has_node();
plan skip_all => 'no pg_cron here' unless -e "$share/extension/pg_cron.control";

my $run = getcwd() . '/run';
my $log = PostgreSQL::Test::Utils::tempdir() . '/demo.log';

sub listener { my ($port) = @_; return IO::Socket::INET->new(Listen => 1, ReuseAddr => 1, LocalAddr => '127.0.0.1', LocalPort => $port) }

# Two ports that are ours, one after the other.
my ($port, $next) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;
($port, $next) = ($next, PostgreSQL::Test::Cluster::get_free_port()) until $next == $port + 1;
$ENV{DEMO_PORT} = $port;

# The status and what was said.
sub demo { my ($command) = @_; my $said = `demo/run $command 2>&1`; return ($? >> 8, $said) }

# Starts it in the background, as a shell would, and waits for the providers.
sub begin
{
	my $pid = fork() // die $!;
	if ($pid == 0)
	{
		setpgrp(0, 0);
		open STDOUT, '>', $log or die $!;
		open STDERR, '>&', \*STDOUT or die $!;
		exec 'demo/run', 'start' or die $!;
	}
	until_true('the providers', sub { -s "$run/servers/provider.json" });
	return $pid;
}

# Ends it with all that runs in the foreground; its status.
sub end_by { my ($signal, $pid) = @_; kill $signal, -$pid; waitpid $pid, 0; return $? >> 8 }

# The processes whose arguments name the directory.
sub processes { return grep { (eval { slurp_file("/proc/$_/cmdline") } // '') =~ /\Q$run\E/ } map { m{(\d+)$} } glob '/proc/[0-9]*' }

sub nothing_left
{
	my ($when) = @_;
	ok(!-e $run, "./run is not there $when");
	is(join(' ', processes()), '', '... nor a process');
	ok(listener($port) && listener($next), '... and the ports are free');
	return;
}

my $other = listener($next);
my ($status, $said) = demo('check');
is($status, 1, 'a port that is taken is an error before anything is done');
like($said, qr/^demo: port $next of 127\.0\.0\.1 is taken; name another pair: make demo DEMO_PORT=/, '... that says how to go on');
is_deeply([demo('start')], [1, $said], '... and of a start');
ok(!-e $run, '... that leaves nothing');
close $other;

is(end_by('INT', begin()), 130, 'Ctrl-C ends a start');
nothing_left('after it');

end_by('KILL', begin());
ok(processes() > 0, 'a start that is killed leaves what it started');
($status, $said) = demo('start');
is($status, 0, 'the next one starts') or die $said;
like($said, qr/^demo: starting anew; what ran in \.\/run is removed$/m, '... anew');

# --- The story ---------------------------------------------------------------------------
my ($name, $phone, $email) = $said =~ /^Lead +([A-Z]\w+ \w+), (\+\d{11}), (\S+\@\S+) \(qualified\)$/m;
ok($email, 'the lead is told');
like($said, qr/^Call +\Q$phone\E calls /m, '... who called');
my ($score, $reasons) = $said =~ /^Score +(\d+) of 100, grade [A-D]:\n((?: +[+-]\d+  \S.*\n)+)/m;
my $sum = eval { my $points = 0; $points += $_ for $reasons =~ /([+-]\d+)  /g; $points };
is($sum, $score, 'a score, to which its reasons sum');
my ($offered) = $said =~ /^Offered .*\n((?: +- .*\n)+)/m;
my ($time) = $said =~ /^Booked +[^,]+, (.*), with \w+ \(scheduled\)$/m;
like($offered, qr/^ +- \Q$time\E$/m, 'a booking of a time that was offered');
like($said, qr/^Sent +SMS to \Q$phone\E \(delivered\)\n +.*\Q$time\E/m, 'a text of it');
like($said, qr/^Sent +e-mail to \Q$email\E \(delivered\): .*\Q$time\E\n +Hello /m, 'an e-mail of it');
is(join(' ', $said =~ /^Reminder +(\d+h) before by SMS: .* \(scheduled\)$/mg), '24h 1h', 'two reminders');

# --- What it has one try -----------------------------------------------------------------
my @lines = $said =~ /^  ((?:curl|psql) .*)$/mg;
my ($ask) = grep { /^psql/ } @lines;
is(`@{[ $ask =~ s/ -c .*/ -XAtc 'SELECT * FROM cloudgreet.doctor()'/r ]}`, '', 'doctor() finds all well in it');
is(scalar(@lines), 3, 'it prints three lines');
# As in another shell, in another directory.
sub paste
{
	my ($line) = @_;
	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)};
	delete @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)};
	open my $shell, '-|', 'bash', '-c', "cd / && $line 2>&1" or die $!;
	return do { local $/; <$shell> };
}
like(paste($lines[0]), qr/"name":"\Q$name\E"/, 'the first shows the lead');
like(paste($lines[1]), qr/^"[0-9a-f-]{36}"$/, 'the second sends a text');
my ($words) = $lines[1] =~ /"content":"([^"]+)"/;
ok(until_true('the text', sub { paste($lines[2]) =~ /^ delivered \| \Q$phone\E +\| \Q$words\E/m }), 'the third shows that it was delivered');

my ($sockets) = $lines[2] =~ /-h (\S+)/;
ok(-d $sockets, 'the server has a socket');
is_deeply([demo('stop')], [0, "demo: stopped, and ./run removed\n"], 'it is stopped');
nothing_left('any more');
ok(!-e $sockets, '... nor the socket');
is_deeply([demo('stop')], [0, "demo: nothing is running\n"], 'once more does no harm');
done_testing();

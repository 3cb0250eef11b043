# 141_outbox_crash.pl
#		The promise of the outbox through crashes: what was enqueued is open, done, dead or
#		cancelled, a text goes out at most once, an e-mail once, and nothing is lost.
#
# Each run enqueues 2,000 messages (make soak: 20,000) and breaks something at a moment that is waited for:
# rows are read, locks are held, answers are held back.  Server crashes are real ones.
use strict;
use warnings;
use IO::Socket::INET;
use Outbox;
use PostgreSQL::Test::Utils;
use Supervised qw(until_true children processes seconds);
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'no node here' unless FakeProvider::has_node();

my $outbox = Outbox->start('crash');
my ($node, $fake) = @$outbox{qw(node fake)};
$outbox->forget;
my $under_way = 64;    # half of cloudgreet.outbox_concurrency: what one business may hold
my $json = JSON::PP->new->canonical;

sub kill_dispatcher
{
	kill 'KILL', $outbox->worker('dispatcher') or die;
	return recovered();
}

# The server and its workers are back, by themselves.
sub recovered
{
	my $took = seconds(sub { $outbox->is_up; $outbox->worker('dispatcher'); $outbox->served });
	cmp_ok($took, '<', 10, sprintf('dispatcher and gate are back after %.2f s', $took));
	return;
}

# Holds what happened in a run against the promise: between least and most attempts, of
# texts and of e-mails together, were interrupted.
sub account
{
	my ($run, $least, $most) = @_;
	$outbox->drained;
	$outbox->reconcile;
	$outbox->let_time_pass;
	my %states = $outbox->states($run);
	my ($held, $seen) = ($outbox->held_by_fake($run), $outbox->seen_by_fake($run));
	my ($texts, $mails) = map { scalar keys %{ $held->{$_} } } 'texts', 'mails';
	my ($lost_texts, $lost_mails) = $outbox->interrupted;
	my $kept = $states{'telnyx held'} // 0;
	my $repeated = 0;
	$repeated += $seen->{$_} - 1 foreach keys %{ $held->{mails} };

	is(join(', ', map { "$states{$_} $_" } grep { $_ ne 'telnyx held' } sort keys %states), sprintf('%d resend done, %d telnyx done', $Outbox::per_run - $Outbox::texts, $Outbox::texts - $kept),
		"$run: each is done, or is a text that a person must decide on");
	is($outbox->sql('SELECT * FROM cloudgreet_private.outbox_faults() LIMIT 3'), '', "$run: no faults");
	cmp_ok($lost_texts + $lost_mails, '>=', $least, "$run: attempts were interrupted") if $least;
	cmp_ok($lost_texts + $lost_mails, '<=', $most, "$run: no more than were under way");
	is(scalar(grep { @$_ > 1 } values %{ $held->{texts} }, values %{ $held->{mails} }), 0, "$run: nothing arrived twice");
	is(scalar(grep { ($seen->{$_} // 0) > 1 && !$held->{mails}{$_} } keys %$seen), 0, "$run: no text was on the wire twice");
	cmp_ok($repeated, '<=', $lost_mails, "$run: only e-mails that were interrupted were repeated");
	is(scalar(grep { /gone/ } keys %$seen), 0, "$run: what was rolled back was not sent");
	is("$texts $mails", join(' ', $states{'telnyx done'}, $states{'resend done'}), "$run: what is done has arrived, and nothing else");
	is(join("\n", map { $json->encode($_) } $fake->violations), '', "$run: the providers had nothing to complain about");
	# The spare comes a moment after the gate.
	until_true("$run: a spare", sub { scalar(children((processes($node))[0])) == 2 });
	is(scalar(children((processes($node))[0])), 2, "$run: one gate and its spare") or diag(join(' ', children((processes($node))[0])));
	note sprintf('%s: %d enqueued; %d texts and %d e-mails arrived, none twice; %d attempts at texts were interrupted, %d of them settled by events, %d held; %d at e-mails, %d repeated',
		$run, $Outbox::per_run, $texts, $mails, $lost_texts, $lost_texts - $kept, $kept, $lost_mails, $repeated);
	$outbox->forget;
	$outbox->sql('DELETE FROM cloudgreet_private.outbox_attempts; DELETE FROM cloudgreet_private.outbox; DELETE FROM cloudgreet_private.outbox_history');
	return;
}

# --- 0. No crash ----------------------------------------------------------------------
my $took = seconds(sub { $outbox->enqueue_all('calm'); $outbox->drained });
note sprintf('calm: %d messages from enqueue to done in %.1f s, %.0f a second, while their events come back', $Outbox::per_run, $took, $Outbox::per_run / $took);
account('calm', 0, 0);

# --- 1. Killed before a connection stands ---------------------------------------------
# A queue of one that is full: nobody answers the SYN.
my $mute = IO::Socket::INET->new(Listen => 0, LocalAddr => '127.0.0.1') or die;
my @fillers = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $mute->sockport, Blocking => 0) } 1 .. 3;
my $nowhere = 'http://127.0.0.1:' . $mute->sockport;
$outbox->set(telnyx_url => $nowhere, resend_url => $nowhere);
$outbox->enqueue_all('connect');
$outbox->wait_for('attempts under way', "state = 'sending'", $under_way);
is(scalar($fake->log), 0, 'connect: not a byte has left');
$outbox->reset_settings('telnyx_url', 'resend_url');
kill_dispatcher();
account('connect', $under_way, $under_way);
close $_ foreach @fillers, $mute;

# --- 2. Killed after sending ----------------------------------------------------------
# Of those that hang, every other one takes effect.
$fake->script(map { { times => 1, action => { hang => JSON::PP::true, accepted => $_ % 2 ? JSON::PP::true : JSON::PP::false } } } 1 .. $under_way);
$outbox->enqueue_all('sent');
$fake->wait_until('all under way to be there', sub { scalar($fake->log) == $under_way });
kill_dispatcher();
# Of those that were accepted an event may have told before the kill; the other half was interrupted for certain.
account('sent', $under_way / 2, $under_way);

# --- 3. Killed between the answer and the record of it --------------------------------
# No event comes by itself: all wait for one.
$fake->set(auto_webhooks => []);
my $lock = $node->background_psql('postgres', on_error_die => 0);
$lock->query_safe('BEGIN; LOCK TABLE cloudgreet_private.outbox_attempts IN SHARE MODE');
$outbox->enqueue_all('answer');
$fake->wait_until('answers', sub { grep { $_->{verdict} && $_->{verdict}{end} eq 'answered' } $fake->log });
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'cloudgreet dispatcher' AND wait_event_type = 'Lock'") or die;
kill_dispatcher();
eval { $lock->quit };
account('answer', 1, $under_way);

# --- 4. to 7. Under load --------------------------------------------------------------
# A client enqueues; when $after batches are acknowledged and requests are under way, whose
# answers the provider holds back, something happens to the server.  The batches that did
# not get through are enqueued afterwards.
sub hold { $fake->script({ times => $under_way, action => { hold => JSON::PP::true } }); return; }
sub some_under_way { $fake->wait_until('requests under way', sub { grep { $_->{verdict} && $_->{verdict}{end} eq 'pending' } $_[0]->log }); return; }

sub under_load
{
	my ($run, $after, $break) = @_;
	hold();
	my $load = $outbox->enqueue_beside($run, Outbox::batches());
	until_true('a load', sub { $load->{process}->pump_nb if $load->{process}->pumpable; Outbox::acknowledged($load) >= $after });
	some_under_way();
	$break->();
	$fake->release;
	my ($acknowledged, $stored) = $outbox->finish($load);
	my %stored = map { $_ => 1 } @$stored;
	is(scalar(grep { !$stored{$_} } @$acknowledged), 0, sprintf('%s: all %d acknowledged batches are there', $run, scalar @$acknowledged));
	cmp_ok(scalar(@$stored) - @$acknowledged, '<=', 1, "$run: of the others at most the one under way");
	$outbox->sql(join ';', 'SELECT', map { $outbox->enqueue_sql($run, $_, $_ + $Outbox::batch - 1) } grep { !$stored{$_} } Outbox::batches());
	return;
}

my $victim = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(600)' ], '>', \my $out, '2>', \my $errors);
my $pid = until_true('a victim', sub { $outbox->sql("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'") });
under_load('backend', 3, sub { kill 'KILL', $pid or die; $victim->finish; recovered() });
account('backend', 1, $under_way);

under_load('immediate', 3, sub { $node->stop('immediate'); $node->start; recovered() });
account('immediate', 1, $under_way);

under_load('fast', 3, sub {
	my $stop = seconds(sub {
		$node->command_ok(['pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-W', 'stop'], 'fast: the server is told to stop');
		$fake->release;
		$node->stop('fast', fail_ok => 1);
	});
	cmp_ok($stop, '<', 5, sprintf('fast: it stops in %.2f s, when what is under way is answered', $stop));
	$node->start;
	recovered();
});
account('fast', 0, 0);

under_load('terminated', 1, sub {
	my $last = 0;
	for (1 .. 3)
	{
		$last = $outbox->worker('dispatcher', $last);
		some_under_way();
		$outbox->sql("SELECT pg_cancel_backend($last)");
		$outbox->sql("SELECT pg_terminate_backend($last)");
		# It goes once these are answered; the next one finds the provider holding again.
		$fake->release;
		hold();
	}
	$outbox->worker('dispatcher', $last);
});
account('terminated', 0, 0);

my $log = slurp_file($node->logfile);
is(join("\n", $log =~ /^.*(?:PANIC|TRAP|deadlock detected|could not be recorded).*$/mg), '', 'nothing in the log that should not be there');
is(join(' ', glob($node->data_dir . '/core*')), '', 'no core file');
$node->stop;

done_testing();

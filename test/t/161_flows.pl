# 161_flows.pl
#		The three flows, each run straight, with every message twice, in random orders, and
#		with the dispatcher killed at every step: one final state.
#
# The state is all rows of the business and all that reached its customer, as flow_state.sql
# and Flow.pm show them.  CLOUDGREET_SEED repeats the random orders of a run.
use strict;
use warnings;
use FakeProvider;
use Flow;
use Sending;
use Test::More;
use Time::HiRes qw(time);

plan skip_all => 'no node here' unless FakeProvider::has_node();
my $server = Sending->start('flows', "restart_after_crash = on\nmax_worker_processes = 16");
Flow::prepare($server);
my $seed = $ENV{CLOUDGREET_SEED} // int(time) % 1000000;
note("CLOUDGREET_SEED=$seed");

# --- 1. A call that books nothing: lead, score, follow-up, answer -----------------------------
sub qualification
{
	my ($flow) = @_;
	$flow->happens([$flow->lookup], map { [$flow->call_event($_)] } qw(call_started call_ended call_analyzed));
	$flow->sends(['sms'], sub { $flow->clock('2026-06-09 16:20:00Z'); $flow->tick });
	$flow->happens($flow->reports, [$flow->says('Friday would be good', 60)]);
	$flow->clock('2026-06-12 16:20:00Z');
	$flow->tick;
	return;
}

# --- 2. A call that books: moved, reminded, confirmed; another appointment that is canceled ----
sub booking
{
	my ($flow) = @_;
	my %who = (name => 'Ana Ruiz', email => $flow->{email});
	$flow->sends(['sms', 'email'], sub { $flow->happens([$flow->call_event('call_started')],
		[$flow->lookup, $flow->tool('check_availability', {date => '2026-06-10'}), $flow->tool('book_appointment', {service => 'cleaning', starts_at => '2026-06-10T10:00', %who})]) });
	$flow->sends(['sms', 'email'], sub { $flow->happens([$flow->tool('reschedule_appointment', {starts_at => '2026-06-11T14:00'})]) });
	$flow->happens((map { [$flow->call_event($_)] } qw(call_ended call_analyzed)), $flow->reports);

	$flow->sends(['sms'], sub { $flow->clock('2026-06-10 18:00:10Z'); $flow->tick });
	$flow->happens($flow->reports, [$flow->says('Y', 60)]);

	$flow->clock('2026-06-10 19:00:00Z');
	my $lead = $flow->sql("SELECT id FROM cloudgreet.leads WHERE business_id = '$flow->{business}'");
	$flow->sends(['sms', 'email'], sub { $flow->happens([$flow->api('POST', '/api/appointments',
		{lead_id => $lead, service_id => $flow->{service}, scheduled_date => '2026-06-15T14:00:00Z', idempotency_key => 'another'}, 201)]) });
	my $another = $flow->sql("SELECT id FROM cloudgreet.appointments WHERE business_id = '$flow->{business}' AND scheduled_date = '2026-06-15 14:00Z'");
	$flow->sends(['sms', 'email'], sub { $flow->happens([$flow->api('DELETE', "/api/appointments/$another", undef, 204)]) });
	$flow->happens($flow->reports);

	$flow->sends(['sms'], sub { $flow->clock('2026-06-11 17:00:10Z'); $flow->tick });
	$flow->happens($flow->reports);
	$flow->clock('2026-06-16 18:00:00Z');
	$flow->tick;
	return;
}

# --- 3. Texts and e-mails of an application, STOP, START ------------------------------------------
sub communication
{
	my ($flow) = @_;
	my $text = sub {
		my ($key, $words, $expect, %more) = @_;
		return [$flow->api('POST', '/rest/v1/rpc/send_sms', {to_number => $flow->{them}, content => $words, idempotency_key => $key, %more}, $expect)];
	};
	$flow->happens([$flow->says('What does it cost?', 0)]);
	$flow->sends(['sms'], sub { $flow->happens($text->('one', 'Your quote is ready.', 200)) });
	$flow->sends(['email'], sub { $flow->happens([$flow->api('POST', '/rest/v1/rpc/send_email',
		{to_address => $flow->{email}, subject => 'Your quote', content => 'It is ready.', idempotency_key => 'mail'}, 200)]) });
	$flow->happens($flow->reports, [$flow->says('Thank you', 10)], $text->('later', 'Have you read it?', 200, send_at => '2026-06-09T17:00:00Z'));
	$flow->happens([$flow->says('STOP', 20)]);
	$flow->happens($text->('refused', 'One more thing.', 409));
	$flow->clock('2026-06-09 17:00:10Z');
	$flow->settle;
	$flow->happens([$flow->says('START', 10)]);
	$flow->sends(['sms'], sub { $flow->happens($text->('again', 'Welcome back.', 200)) });
	$flow->happens($flow->reports);
	return;
}

# Runs a flow in a way; its outcome, and how often the dispatcher was killed.
sub run
{
	my ($steps, %way) = @_;
	my $began = time;
	my $flow = Flow->new($server, '2026-06-09 16:00:00Z', %way);
	$steps->($flow);
	my $outcome = $flow->outcome;
	note(sprintf('%s: %.1f s', join(' ', %way) || 'straight', time - $began));
	return ($outcome, $flow->{kills});
}

# The lines that only one of two outcomes has.
sub difference
{
	my ($one, $other) = @_;
	my %n;
	$n{$_}++ foreach split /\n/, $one;
	$n{$_}-- foreach split /\n/, $other;
	return map { ($n{$_} > 0 ? '- ' : '+ ') . abs($n{$_}) . " x $_" } grep { $n{$_} } sort keys %n;
}

sub same
{
	my ($outcome, $reference, $what) = @_;
	my @difference = difference($reference, $outcome);
	return is(scalar(@difference), 0, $what) || diag(join("\n", @difference));
}

# kills: how many steps send something.
sub one_final_state
{
	my ($name, $steps, $kills, $lost, @wanted) = @_;
	my ($reference) = run($steps);
	like($reference, $_, "$name: $_") foreach @wanted;
	same((run($steps, twice => 1))[0], $reference, "$name: with every message twice, also at the same time");
	same((run($steps, seed => $_))[0], $reference, "$name: in the random order $_") foreach map { $seed + $_ } 1 .. 3;
	my %when = (after => 'once each message was sent', in_flight => 'while each message was in flight');
	foreach my $when (sort keys %when)
	{
		my ($outcome, $killed) = run($steps, kill => $when);
		same($outcome, $reference, "$name: with the dispatcher killed $when{$when}");
		is($killed, $kills, "... $kills times");
	}
	isnt((run($steps, lose => $lost))[0], $reference, "$name: a message that never comes (\"$lost\") makes a difference");
	note($reference);
	return;
}

one_final_state('lead qualification', \&qualification, 1, 'text Friday would be good',
	qr/^score .*"score": \d+/m, qr/^enrollment .*"ended_reason": "reply"/m, qr/^sent text .*thank you for calling/m, qr/^text .*"status": "delivered"/m);
one_final_state('booking', \&booking, 6, 'text Y',
	qr/^appointment .*"status": "confirmed".*"scheduled_date": "2026-06-11T18:00/m, qr/^appointment .*"status": "canceled"/m, qr/^conversation .*"outcome": "booked"/m,
	qr/^sent text .*has moved/m, qr/^sent e-mail Your appointment has moved/m);
one_final_state('communication', \&communication, 3, 'text Thank you',
	qr/^text .*"status": "canceled"/m, qr/^sent text Welcome back/m, qr/^e-mail .*"status": "delivered"/m);
is_deeply([map { $_->{verdict} } $server->{fake}->violations], [], 'the provider was never sent what it must refuse');
is($server->sql("SELECT count(*) FROM cloudgreet_private.outbox_faults()"), 0, 'the outbox has no faults');

done_testing();

# 144_delete_business.pl
#		A business is deleted while the dispatcher, the processor and clients are at work on
#		it: nobody is in another's way for good, and nothing of it is left.
#
# The order of what they do is random; CLOUDGREET_SEED repeats it as far as it can.
use strict;
use warnings;
use FakeProvider;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Sending;
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
my $seed = $ENV{CLOUDGREET_SEED} // time;
srand($seed);
note("seed $seed");
# Whoever waits in a circle finds out at once.
my $server = Sending->start('delete_business', "deadlock_timeout = 20ms\nlog_lock_waits = off");
my ($node, $fake) = @$server{qw(node fake)};
my $dispatcher = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cloudgreet dispatcher'";
ok($server->reaches($server->text('+12125550188', 'at the start'), 'done'), 'the dispatcher is at work');
my $pid = $server->sql($dispatcher);

# Rows of a business, or of its accounts, in any table of both schemas.
$server->sql(q{
	CREATE FUNCTION public.left_of(business uuid, accounts uuid[]) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		t regclass;
		n bigint;
		found text := '';
	BEGIN
		FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace::regnamespace::text ~ '^cloudgreet' AND c.relkind IN ('r', 'p') AND NOT c.relispartition LOOP
			EXECUTE format('SELECT count(*) FROM %s t WHERE to_jsonb(t)->>''business_id'' = $1 OR to_jsonb(t)->>''account_id'' = ANY ($2::text[])', t) INTO n USING business::text, accounts;
			found := found || CASE WHEN n > 0 THEN t || ' ' ELSE '' END;
		END LOOP;
		RETURN found;
	END $$});
my $accounts_of = sub { return $server->sql("SELECT array_agg(id) FROM cloudgreet.provider_accounts WHERE business_id = '$_[0]'") };
my $scripts = PostgreSQL::Test::Utils::tempdir();
my $n = 0;
my $background = sub {
	my ($sql) = @_;
	my %run = (out => '', err => '');
	my $file = "$scripts/" . ++$n . '.sql';
	append_to_file($file, $sql);
	$run{process} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', $file ], '>', \$run{out}, '2>', \$run{err});
	return \%run;
};

# --- A session that holds a text, and will want its business --------------------------------
my $business = $server->add_business('Held', '+12125550301');
my $accounts = $accounts_of->($business);
my $text = $server->sql("SELECT cloudgreet.send_sms('+12125550188', 'held', send_at => cloudgreet.clock() + interval '1 day', business_id => '$business')");
my $holder = $node->background_psql('postgres');
$holder->query_safe("BEGIN; SELECT FROM cloudgreet.sms_messages WHERE id = '$text' FOR UPDATE");
my $deletion = $background->("SELECT 'deleted', cloudgreet.delete_business('$business')");
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '^SELECT .deleted' AND wait_event = 'PgSleep'}), 'a deletion waits for a row that another holds');
$holder->query_safe("SET lock_timeout = '10s'; INSERT INTO cloudgreet.leads (business_id, name) VALUES ('$business', 'late'); COMMIT");
$holder->quit;
IPC::Run::finish($deletion->{process});
like($deletion->{out} . $deletion->{err}, qr/^deleted\|$/, 'and holds nothing meanwhile: that one goes on, and then the business is deleted');
is($server->sql("SELECT public.left_of('$business', '$accounts')"), '', 'with all that it has, the late lead too');

# --- Everybody at work ------------------------------------------------------------------------
my (@errors, @left);
for my $round (1 .. 6)
{
	$business = $server->add_business("Busy $round", '+1212555' . (4000 + $round));
	$accounts = $accounts_of->($business);
	my ($account) = $accounts =~ /([0-9a-f-]{36})/;
	$server->sql("SELECT cloudgreet.send_sms('+1212556' || lpad(n::text, 4, '0'), 'round $round', business_id => '$business') FROM generate_series(1, 20) n");
	my $text_and_lead = "BEGIN; UPDATE cloudgreet.sms_messages SET error_code = error_code WHERE id = (SELECT id FROM cloudgreet.sms_messages WHERE business_id = '$business' ORDER BY random() LIMIT 1);
		INSERT INTO cloudgreet.leads (business_id, name) VALUES ('$business', 'x'); COMMIT;\n";
	my $lead_and_text = "BEGIN; INSERT INTO cloudgreet.leads (business_id, name) VALUES ('$business', 'x');
		UPDATE cloudgreet.sms_messages SET error_code = error_code WHERE id = (SELECT id FROM cloudgreet.sms_messages WHERE business_id = '$business' ORDER BY random() LIMIT 1); COMMIT;\n";
	my $send = "SELECT FROM cloudgreet.send_sms('+12125560001', 'more', business_id => '$business');\n";
	my @clients = map { $background->(join '', map { ($text_and_lead, $lead_and_text, $send)[ int rand 3 ] } 1 .. 25) } 1 .. 2;
	my $enough = int rand 15;
	$node->poll_query_until('postgres', "SELECT count(*) >= $enough FROM cloudgreet_private.outbox_history WHERE business_id = '$business' AND state = 'done'");
	my ($status, $out, $err) = $node->psql('postgres', "SELECT cloudgreet.delete_business('$business')");
	push @errors, $err if $status != 0 || $err ne '';
	$fake->webhook('telnyx', 'message.received', url => "http://127.0.0.1:$server->{port}/api/sms/webhook/$account", fields => { from => '+12125560001', to => '+12125550123', text => 'Hi' });
	IPC::Run::finish($_->{process}) foreach @clients;
	push @errors, map { $_->{err} =~ /(.*deadlock.*)/ ? $1 : () } @clients;
	push @left, $server->sql("SELECT public.left_of('$business', '$accounts')");
}
is(join("\n", @errors), '', 'no deletion fails, and no client is in a deadlock');
is(join(' ', grep { $_ ne '' } @left), '', 'nothing is left of any business');
is(join("\n", slurp_file($node->logfile) =~ /(.*deadlock detected.*\n.*)/g), '', 'nor is a worker');
ok($server->reaches($server->text('+12125550188', 'at the end'), 'done'), 'others are sent to the end');
is($server->sql($dispatcher), $pid, 'by the same dispatcher');
$node->stop;
done_testing();

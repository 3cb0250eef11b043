# Outbox.pm
#		A server whose dispatcher sends to the fake provider, and the account of what was
#		enqueued: what became of each text and e-mail, on both sides.
#
# A message has a name, "run number", which is its text or subject; nothing else on either
# side has it, so that it can be counted.  Nothing sleeps: every wait polls.
package Outbox;
use strict;
use warnings;
use FakeProvider;
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Supervised qw(until_true get);

our $per_run = $ENV{MESSAGES} // 2000;
our $texts = $per_run * 0.7;    # of them; the others are e-mails
our $batch = 20;

my $settings = q{
shared_preload_libraries = 'cloudgreet'
restart_after_crash = on
synchronous_commit = off
max_prepared_transactions = 2
max_worker_processes = 16
log_statement = none
log_line_prefix = '%m [%p] %b %d '
cloudgreet.databases = 'postgres'
cloudgreet.outbox_retry_base = 50ms
cloudgreet.outbox_unknown_timeout = 1h
cloudgreet.outbox_drain_timeout = 20s
cloudgreet.outbox_attempt_timeout = 60s
};

sub start
{
	my ($class, $name, %more) = @_;
	my $fake = FakeProvider->start;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $self = bless { fake => $fake, node => $node, port => $port }, $class;
	$node->init(allows_streaming => 1);
	append_to_file($node->basedir . '/master.key', '0123456789abcdef' x 4);
	chmod 0600, $node->basedir . '/master.key';
	my %values = ('cloudgreet.gate_port' => $port, 'cloudgreet.master_key_file' => $node->basedir . '/master.key',
		'cloudgreet.public_url' => "http://127.0.0.1:$port", $self->urls, %more);
	$node->append_conf('postgresql.conf', $settings . join('', map { "$_ = '$values{$_}'\n" } sort keys %values));
	$node->start;
	$self->prepare('postgres');
	$self->served;
	return $self;
}

sub urls { my ($self) = @_; return map { ("cloudgreet.${_}_url" => $self->{fake}->url($_)) } 'telnyx', 'resend'; }
sub sql { my ($self, $sql, $database) = @_; return $self->{node}->safe_psql($database // 'postgres', $sql); }

# The extension, and a business that the fake knows.
sub prepare
{
	my ($self, $database) = @_;
	my $fake = $self->{fake};
	$self->sql('CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()', $database);
	my $business = $self->{business}{$database} = $self->sql("SELECT cloudgreet.create_business('Lakeside', 'America/Chicago')", $database);
	$self->sql(join(' ', map { sprintf(q{SELECT cloudgreet.set_secret('%s', '%s', '%s'), cloudgreet.set_secret('%s_hook', '%s', '%s');},
				$_, $fake->key($_), $business, $_, $fake->webhook_key($_), $business) } 'telnyx', 'resend'), $database);
	$self->sql("SELECT cloudgreet.add_phone_number('+13125550100', business_id => '$business'), cloudgreet.connect_provider('telnyx', '{\"api_key\": \"telnyx\", \"webhook_key\": \"telnyx_hook\"}', business_id => '$business')", $database);
	my $account = $self->sql("SELECT cloudgreet.connect_provider('resend', '{\"api_key\": \"resend\", \"webhook_key\": \"resend_hook\"}', '{\"from\": \"Desk <desk\@example.com>\"}', business_id => '$business')", $database);
	$fake->set(webhook_urls => { resend => "http://127.0.0.1:$self->{port}/api/resend/webhook/$account" }) if $database eq 'postgres';
	return;
}

# The statement that enqueues messages first to last of a run; of ten, three are e-mails.
sub enqueue_sql
{
	my ($self, $run, $first, $last, $database) = @_;
	my $business = $self->{business}{ $database // 'postgres' };
	my $text = sprintf(q{cloudgreet.send_sms('+1312' || 5600000 + n, '%s ' || n, business_id => '%s')}, $run, $business);
	my $mail = sprintf(q{cloudgreet.send_email('c' || n || '@example.org', '%s ' || n, 'Hello', business_id => '%s')}, $run, $business);
	return "SELECT CASE WHEN n % 10 < 3 THEN $mail ELSE $text END FROM generate_series($first, $last) n";
}

sub batches { return map { $_ * $batch + 1 } 0 .. $per_run / $batch - 1; }

# Everything, and between the batches what is rolled back.
sub enqueue_all
{
	my ($self, $run) = @_;
	$self->sql(join(";\n", map {
		('BEGIN', $self->enqueue_sql("$run gone", $_, $_ + 2), 'ROLLBACK', $self->enqueue_sql($run, $_, $_ + $batch - 1)) } batches()));
	return;
}

# A client that enqueues one batch after another and says which were acknowledged; it goes
# with the server.
sub enqueue_beside
{
	my ($self, $run, @firsts) = @_;
	my $load = { run => $run, out => '', errors => '' };
	# A file: when psql goes with the server, nobody is left writing to it.
	my $script = PostgreSQL::Test::Utils::tempdir() . "/$run.sql";
	append_to_file($script, join('', map { $self->enqueue_sql($run, $_, $_ + $batch - 1) . " \\g /dev/null\n\\echo acknowledged $_\n" } @firsts));
	$load->{process} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $self->{node}->connstr('postgres'), '-f', $script ],
		'<', \undef, '>', \$load->{out}, '2>', \$load->{errors});
	return $load;
}

sub acknowledged { my ($load) = @_; my @firsts = $load->{out} =~ /acknowledged (\d+)/g; return @firsts; }

# Waits for its end; the batches that were acknowledged, and those that are in the table.
sub finish
{
	my ($self, $load) = @_;
	$load->{process}->finish;
	my @stored = split /\n/, $self->sql("SELECT DISTINCT (n - 1) / $batch * $batch + 1 FROM (" . $self->names_sql($load->{run}) . ') s ORDER BY 1');
	return ([ sort { $a <=> $b } acknowledged($load) ], \@stored);
}

sub names_sql
{
	my ($self, $run) = @_;
	return "SELECT split_part(name, ' ', 2)::integer AS n FROM (SELECT content AS name FROM cloudgreet.sms_messages UNION ALL SELECT subject FROM cloudgreet.emails) m WHERE name ~ '^$run \\d+\$'";
}

# The process of a worker once it serves; not the one given.
sub worker
{
	my ($self, $type, $not) = @_;
	return until_true("a $type", sub {
		my $pid = eval { $self->sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'cloudgreet $type' AND datname = 'postgres' AND application_name = 'cloudgreet $type'") } // '';
		return $pid =~ /^\d+$/ && $pid != ($not // 0) ? $pid : undef;
	});
}

sub served { my ($self) = @_; return until_true('the gate', sub { get($self->{port}, '/api/health?ready=1') == 200 }); }
sub is_up { my ($self) = @_; return until_true('the server', sub { eval { $self->sql('SELECT 1') } // '' }); }

# Requests of a run by state, a hash; a run is told by its subjects.
sub states
{
	my ($self, $run) = @_;
	my $rows = $self->sql(qq{
		SELECT o.provider || ' ' || o.state, count(*) FROM cloudgreet_private.requests o
		  JOIN (SELECT id, content AS name FROM cloudgreet.sms_messages UNION ALL SELECT id, subject FROM cloudgreet.emails) m ON m.id = o.subject_id
		 WHERE m.name ~ '^$run( gone)? ' GROUP BY 1});
	return map { split /\|/ } split /\n/, $rows;
}

# Attempts that a stop of the server interrupted, of texts and of e-mails.
sub interrupted
{
	my ($self) = @_;
	return map { $self->sql(qq{
		SELECT count(*) FROM cloudgreet_private.outbox_attempts a
		  JOIN cloudgreet_private.requests p ON p.business_id = a.business_id AND p.id = a.outbox_id
		 WHERE p.provider = '$_' AND a.outcome = 'interrupted'}) } 'telnyx', 'resend';
}

# Waits until a condition holds.  It is asked in the server for a while, since a new psql for
# each question costs as much as sending some messages; the server may go meanwhile.
sub until_sql
{
	my ($self, $what, $condition) = @_;
	my $sql = "DO \$\$ BEGIN FOR i IN 1 .. 500 LOOP EXIT WHEN $condition; PERFORM pg_sleep(0.01); END LOOP; END \$\$; SELECT $condition";
	return until_true($what, sub { (eval { $self->sql($sql) } // '') eq 't' });
}

sub wait_for
{
	my ($self, $what, $where, $number) = @_;
	return $self->until_sql($what, sprintf '(SELECT count(*) FROM cloudgreet_private.requests o WHERE %s) %s', $where, defined $number ? "= $number" : '> 0');
}

# Until nothing is to be done at once: all is finished, or waits to be reconciled.
sub drained { my ($self) = @_; return $self->until_sql('an empty queue', "NOT EXISTS (SELECT FROM cloudgreet_private.outbox WHERE state IN ('queued', 'sending'))"); }

sub set
{
	my ($self, %values) = @_;
	$self->sql("ALTER SYSTEM SET cloudgreet.$_ = '$values{$_}'") foreach sort keys %values;
	$self->{node}->reload;
	return;
}

sub reset_settings
{
	my ($self, @names) = @_;
	$self->sql("ALTER SYSTEM RESET cloudgreet.$_") foreach @names;
	$self->{node}->reload;
	return;
}

# What the fake holds of a run: { texts => {name => [ids]}, mails => {name => [ids]} }.
sub held_by_fake
{
	my ($self, $run) = @_;
	my %held = (texts => {}, mails => {});
	push @{ $held{texts}{ $_->{text} } }, $_->{id} foreach grep { $_->{text} =~ /^$run / } values %{ $self->{fake}->state('telnyx', 'messages', 'id', 'text') };
	push @{ $held{mails}{ $_->{subject} } }, $_->{id} foreach grep { $_->{subject} =~ /^$run / } values %{ $self->{fake}->state('resend', 'emails', 'id', 'subject') };
	return \%held;
}

# How often each message of a run was on the wire.
sub seen_by_fake
{
	my ($self, $run) = @_;
	my $wire = $self->{fake}->wire;
	return { map { $_ => $wire->{$_} } grep { /^$run / } keys %$wire };
}

# Events about texts whose end is not known, as Telnyx sends them again and again.
sub reconcile
{
	my ($self) = @_;
	my %open = map { $_ => 1 } split /\n/, $self->sql("SELECT id FROM cloudgreet_private.requests WHERE state IN ('unknown', 'held')");
	my $messages = $self->{fake}->state('telnyx', 'messages', 'id', 'webhook_url');
	my $sent = 0;
	foreach my $message (values %$messages)
	{
		next unless $message->{webhook_url} =~ m{/([0-9a-f-]{36})$} && $open{$1};
		$self->{fake}->webhook('telnyx', 'message.finalized', fields => { id => $message->{id} }, url => $message->{webhook_url});
		$sent++;
	}
	$self->until_sql('the webhooks', "NOT EXISTS (SELECT FROM cloudgreet_private.webhook_inbox WHERE state = 'pending')");
	return $sent;
}

# An hour and more goes by; what is still not known is a person's to decide.
sub let_time_pass
{
	my ($self) = @_;
	$self->set(clock => $self->sql("SELECT clock_timestamp() + interval '70 minutes'"));
	$self->wait_for('the end of the time', "state = 'unknown'", 0);
	$self->reset_settings('clock');
	return;
}

# Back to the fake's own settings and nothing in its memory.
sub forget
{
	my ($self) = @_;
	my $urls = $self->{fake}->set->{webhook_urls};
	$self->{fake}->reset;
	$self->{fake}->set(webhook_urls => $urls, auto_webhooks => ['message.finalized']);
	return;
}

1;

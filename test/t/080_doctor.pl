# 080_doctor.pl
#		doctor() finds nothing wrong in a right installation, and names each planted fault.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IO::Socket::INET;
use Test::More;
use Doctor qw(failing_lines);

my $node = PostgreSQL::Test::Cluster->new('doctor');
$node->init;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $key = $node->basedir . '/master.key';
append_to_file($key, '0123456789abcdef' x 4);
chmod 0600, $key;
$node->append_conf('postgresql.conf', "fsync = on\nshared_preload_libraries = 'cloudgreet'\ncloudgreet.master_key_file = '$key'
cloudgreet.gate = on
cloudgreet.gate_listen_addresses = '127.0.0.1'
cloudgreet.gate_port = $port
cloudgreet.databases = 'postgres'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet');
is($node->safe_psql('postgres', 'SELECT * FROM cloudgreet.doctor()'), 'error|the application schema is not installed|SELECT cloudgreet.migrate();',
	'before migrate() it says what to run');
$node->safe_psql('postgres', q{
	SELECT cloudgreet.migrate();
	SELECT cloudgreet.add_jwt_key('main', 'a-secret-of-at-least-thirty-two-bytes');
});

# The gate notices the extension a moment later.
$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM cloudgreet_private.doctor_gate())}) or die 'no gate';

sub problems
{
	my ($settings) = @_;
	return $node->safe_psql('postgres', ($settings // '') . "; SELECT severity || ': ' || problem || ' -> ' || mend FROM cloudgreet.doctor()");
}
is(problems(), '', 'nothing is wrong with a right installation');

# [ how to plant it, how to take it away, what doctor() says and advises ]
my @faults = (
	[ 'SELECT cloudgreet.pause()', 'SELECT cloudgreet.activate()', qr/sends nothing\. It was paused\..*activate\(\)/ ],
	[ 'UPDATE cloudgreet_private.jwt_keys SET is_active = false', 'UPDATE cloudgreet_private.jwt_keys SET is_active = true', qr/nobody can sign in.*add_jwt_key/ ],
	[ 'ALTER TABLE cloudgreet.leads NO FORCE ROW LEVEL SECURITY', 'SELECT cloudgreet_private.apply_permissions()', qr/cloudgreet\.leads does not isolate tenants.*apply_permissions/ ],
	[ 'DROP POLICY calls_tenant_all ON cloudgreet.calls', 'SELECT cloudgreet_private.apply_permissions()', qr/cloudgreet\.calls does not isolate tenants/ ],
	[ 'ALTER ROLE cloudgreet_owner LOGIN', 'ALTER ROLE cloudgreet_owner NOLOGIN', qr/"cloudgreet_owner" is not safe.*NOLOGIN/ ],
	[ 'GRANT authenticated TO cloudgreet_gate', 'REVOKE authenticated FROM cloudgreet_gate', qr/"cloudgreet_gate" has rights of its own/ ],
	[ 'ALTER ROLE cloudgreet_gate RESET log_parameter_max_length', 'ALTER ROLE cloudgreet_gate SET log_parameter_max_length = 0', qr/log may show tokens.*log_parameter_max_length = 0/ ],
	[ 'CREATE ROLE wide LOGIN IN ROLE service_role', 'DROP ROLE wide', qr/note: login roles that can become service_role.*: wide/ ],
	[ q{UPDATE cloudgreet_private.jwt_keys SET key_id = '00000000'}, q{UPDATE cloudgreet_private.jwt_keys SET key_id = (cloudgreet.seal_jwt_key('x', 'x')).key_id, is_active = true}, qr/1 token keys and 0 secrets in use were sealed with another master key/ ],
	[ q{DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'cloudgreet.events'::regclass LOOP IF p::text > 'cloudgreet.events_p' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') THEN EXECUTE 'DROP TABLE ' || p; END IF; END LOOP; END $$},
		'SET ROLE cloudgreet_owner; SELECT cloudgreet_private.maintain_partitions()', qr/"events" has partitions for 0 more months.*maintain_partitions/ ],
);
my $account = q{INSERT INTO cloudgreet.provider_accounts (business_id, provider, name, secret_names, status) SELECT cloudgreet.create_business('Acme', 'UTC'), '%s', 'main', '{"api_key": "x"}', '%s'};
my $no_account = 'DELETE FROM cloudgreet.businesses';
push @faults, [ q{SELECT cloudgreet.create_business('Acme', 'UTC') AS business \gset
	INSERT INTO cloudgreet.phone_numbers (business_id, phone_number, is_active, confirmed_at) VALUES (:'business', '+12125550177', false, NULL)}, $no_account,
	qr/^note: 1 phone numbers are claimed and lead nowhere.*confirm_phone_number\(\)/ ];
push @faults, [ sprintf($account, 'resend', 'broken'), $no_account, qr/Resend refuses the key.*set_secret.*no sender for e-mails.*"from".*account main.*no webhook key.*connect_provider/s ],
	[ sprintf($account, 'telnyx', 'active'), $no_account, qr/no webhook key.*texts are sent without a URL.*cloudgreet\.public_url/s ];
# A business with accounts whose secrets cannot be what they are used as.
my $acme = q{SELECT cloudgreet.create_business('Acme', 'UTC') AS business \gset
	ALTER SYSTEM SET cloudgreet.public_url = 'https://api.example.com'; SELECT pg_reload_conf();
	SELECT cloudgreet.set_secret('api', 'KEY0123456789', :'business'), cloudgreet.set_secret('hook', 'GYBs8h0vx3+QEYJlW0nHRxLG4S4ZUtAprkxzw2bp8yw=', :'business'), cloudgreet.set_secret('resend_hook', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', :'business');
	SELECT cloudgreet.connect_provider('telnyx', '{"api_key": "api", "webhook_key": "hook"}', business_id => :'business'),
	       cloudgreet.connect_provider('resend', '{"api_key": "api", "webhook_key": "resend_hook"}', '{"from": "a@example.com"}', business_id => :'business');
	%s};
my $acme_id = q{(SELECT id FROM cloudgreet.businesses)};
push @faults, [ sprintf($acme, ''), $no_account, undef ],
	[ sprintf($acme, "SELECT cloudgreet.set_secret('hook', 'not-a-key', :'business')"), $no_account, qr/webhook_key of account main of business \S+ cannot be one of Telnyx: it is no Ed25519 public key/ ],
	[ sprintf($acme, "SELECT cloudgreet.set_secret('resend_hook', 'whsec_%%', :'business')"), $no_account, qr/webhook_key of account main .* cannot be one of Resend: it is not "whsec_" and base64/ ],
	[ sprintf($acme, "SELECT cloudgreet.set_secret('api', E'KEY0123\\n', :'business')"), $no_account, qr/api_key of account main .* cannot be one of Telnyx: it has blanks/ ],
	[ sprintf($acme, "SELECT cloudgreet.delete_secret('hook', :'business')"), $no_account, qr/names secret "hook" as its webhook_key, which is not stored.*set_secret/ ],
	[ sprintf($acme, 'UPDATE cloudgreet_private.secrets SET ciphertext = set_byte(ciphertext, 0, 255 - get_byte(ciphertext, 0)) WHERE name = $$hook$$'), $no_account, qr/secret "hook" of business \S+ is damaged/ ],
	[ sprintf($acme, q{UPDATE cloudgreet_private.secrets SET key_id = '00000000'}), $no_account, qr/0 token keys and 3 secrets in use.*set_secret\(\)/ ],
	[ sprintf($acme, q{INSERT INTO cloudgreet.calendar_connections (business_id, staff_id, provider_account_id, calendar_id)
		SELECT :'business', cloudgreet.add_staff('Bob', business_id => :'business'), id, 'c' FROM cloudgreet.provider_accounts LIMIT 1}), "DELETE FROM cloudgreet.calendar_connections; $no_account", qr/has a calendar of Google, which nothing reads/ ],
	[ q{INSERT INTO cloudgreet_private.jwt_keys SELECT 'short', 'HS256', key_id, nonce, ciphertext FROM cloudgreet.seal_jwt_key('short', 'tiny')},
		q{DELETE FROM cloudgreet_private.jwt_keys WHERE kid = 'short'}, qr/token key "short" cannot be used: it has less than 32 bytes -> SELECT cloudgreet\.retire_jwt_key\('short'\)/ ];

# What waits, fails or is late.
my $inbox = q{INSERT INTO cloudgreet_private.webhook_inbox (business_id, account_id, provider, event_type, dedup_key, headers, body, state, next_at, processed_at)
	VALUES (:'business', cloudgreet.uuid_v7(), 'telnyx', 'x', 'x', '{}', '', '%s', now() - interval '10 minutes', %s)};
my $into = "INSERT INTO cloudgreet_private.%s (business_id, account_id, provider, operation, idempotency, subject_type, subject_id, body, deadline_at";
my $values = q{SELECT :'business', id, 'telnyx', 'send_sms', 'none', 'sms_message', cloudgreet.uuid_v7(), '', now() + interval '1 day', '%s', %s, };
my $account = "FROM cloudgreet.provider_accounts WHERE provider = 'telnyx'; ";
my $request = sprintf($into, 'outbox') . ", state, reason, next_at)\n\t$values now() + interval '1 hour' $account";
my $finished = sprintf($into, 'outbox_history') . ", state, reason, finished_at, id, attempts, created_at)\n\t$values %s, cloudgreet.uuid_v7(), 1, now() $account";
my $attempt = q{INSERT INTO cloudgreet_private.outbox_attempts (business_id, outbox_id, attempt, outcome, http_status, error_code, duration_ms)
	SELECT business_id, id, n, 'retry', %s, %s, 1 FROM cloudgreet_private.outbox_history, generate_series(1, 3) n; };
my $no_work = "TRUNCATE cloudgreet_private.outbox, cloudgreet_private.outbox_history, cloudgreet_private.outbox_attempts, cloudgreet_private.webhook_inbox, cloudgreet_private.webhook_refusals, cloudgreet_private.due_work; $no_account";
push @faults, [ sprintf($acme, sprintf($inbox, 'failed', 'now()')), $no_work, qr/1 webhooks were given up in the last week \(telnyx\).*replay_webhook/ ],
	[ sprintf($acme, sprintf($request, 'held', q{'that time is over'})), $no_work, qr/^error: 1 messages by Telnyx are held: that time is over.*retry_delivery/m ],
	[ sprintf($acme, sprintf($finished, 'dead', q{'400 it''s bad'}, 'now()')), $no_work, qr/^warning: 1 messages by Telnyx were given up in the last day: 400 it's bad/m ],
	[ sprintf($acme, sprintf($finished, 'done', 'NULL', q{now() - interval '1 minute'}) . sprintf($attempt, 'NULL', q{'dns'})), $no_work, qr/^error: Telnyx cannot be reached: 3 attempts of the last hour failed \(dns\).*api\.telnyx\.com/m ],
	[ sprintf($acme, sprintf($finished, 'done', 'NULL', 'now()') . sprintf($attempt, 503, 'NULL')), $no_work, qr/Telnyx cannot be reached: .*\(503\)/ ],
	[ sprintf($acme, sprintf($finished, 'done', 'NULL', 'now()') . sprintf($attempt, 'NULL', q{'timeout'}) . sprintf($attempt, 422, 'NULL')), $no_work, undef ],
	# What went well at once left no attempt; hosts that tenants name are theirs.
	map({ [ sprintf($acme, sprintf($finished, 'done', 'NULL', 'now()') . sprintf($attempt, 'NULL', q{'dns'}) . "UPDATE cloudgreet_private.outbox_history SET $_"), $no_work, undef ] } 'http_status = 200', q{provider = 'http'}),
	[ sprintf($acme, q{INSERT INTO cloudgreet_private.webhook_refusals SELECT account_id, current_date, 'bad_signature', 7, now() FROM cloudgreet_private.account_routes WHERE provider = 'telnyx'}),
		$no_work, qr/every webhook of account \S+ \(telnyx\) is refused since a day: bad_signature/ ];

# Roles.
push @faults, [ 'CREATE ROLE boss LOGIN SUPERUSER; CREATE ROLE seer LOGIN BYPASSRLS; CREATE ROLE seers BYPASSRLS; CREATE ROLE guest LOGIN IN ROLE seers; CREATE ROLE plain LOGIN',
		'DROP ROLE boss, seer, guest, seers, plain', qr/note: login roles that row security does not hold for[^:]*: boss \(superuser\), guest \(member of seers\), seer \(BYPASSRLS\) / ],
	[ 'CREATE ROLE "the heir" LOGIN IN ROLE cloudgreet_owner', 'DROP ROLE "the heir"', qr/"cloudgreet_owner" is not safe.*REVOKE cloudgreet_owner FROM "the heir"/ ],
	[ 'CREATE ROLE maker LOGIN CREATEROLE', 'DROP ROLE maker',
		$node->safe_psql('postgres', 'SHOW server_version_num') < 160000 ? qr/CREATEROLE can make themselves members of cloudgreet_owner: maker.*supautils\.reserved_memberships/ : undef ],
	[ 'CREATE ROLE supabase_storage_admin; CREATE SCHEMA storage', 'DROP SCHEMA storage; DROP ROLE supabase_storage_admin', qr/Supabase's Storage sets claims that are not believed.*trusted_authenticators = 'authenticator, supabase_storage_admin'/ ];
push @faults, [ 'CREATE TABLE cloudgreet.notes (business_id uuid NOT NULL)', 'DROP TABLE cloudgreet.notes', qr/cloudgreet\.notes belongs to role "\w+".*OWNER TO cloudgreet_owner/ ],
	[ 'CREATE TABLE cloudgreet.scratch ()', 'DROP TABLE IF EXISTS cloudgreet.scratch, public.scratch', qr/cloudgreet\.scratch belongs to role "\w+".*ALTER TABLE cloudgreet\.scratch SET SCHEMA public/ ];
for my $fault (@faults)
{
	my ($plant, $mend, $expected) = @$fault;
	my ($what) = reverse split /\n\s*/, $plant;
	$node->safe_psql('postgres', $plant);
	if (defined $expected)
	{
		like(problems(), $expected, "named: $what");
	}
	else
	{
		is(problems(), '', "no fault: $what");
	}
	is(failing_lines($node, 'postgres'), '', 'its lines run as they are printed');
	$node->safe_psql('postgres', $mend);
	$node->safe_psql('postgres', 'ALTER SYSTEM RESET ALL');
	$node->reload;
	is(problems(), '', 'and gone once mended');
}
like(problems("SET cloudgreet.master_key_file = ''"), qr/there is no master key.*cloudgreet\.master_key_file/, 'named: no master key');
my $missing = "SET cloudgreet.master_key_file = '" . $node->basedir . "/gone.key'";
my $said = problems($missing);
like($said, qr/could not use master key file .*gone\.key.*: No such file.*Bring the right file back/, 'named: a key file that is not there');
unlike($said, qr/openssl/, 'nobody is told to make a new one while something is sealed');
like(problems("$missing; BEGIN; UPDATE cloudgreet_private.jwt_keys SET is_active = false"), qr/openssl rand -hex 32/, 'but when nothing is');
my $loose = $node->basedir . '/loose.key';
append_to_file($loose, 'fedcba9876543210' x 4);
chmod 0644, $loose;
$said = problems("SET cloudgreet.master_key_file = '$loose'");
like($said, qr/other users have access to it -> .*chmod 600 '.*loose\.key'/, 'named: a key file that others can read');
unlike($said, qr/openssl/, 'which is kept');

# A tick that is missing is told before anything is late, once the server is up for a while;
# in a transaction, so that the processor does not see what is planned.
my $planned = q{SELECT cloudgreet.create_business('Acme', 'UTC') AS business \gset
	BEGIN; INSERT INTO cloudgreet_private.due_work VALUES (:'business', 'reminder', cloudgreet.uuid_v7(), now() + interval '1 day');
	UPDATE cloudgreet_private.ticks SET last_at = now() - interval '1 hour' WHERE is_single;
	UPDATE cloudgreet_private.installation SET activated_at = now() - interval '1 hour' WHERE is_single; };
my $asked = q{SELECT problem FROM cloudgreet_private.doctor_work(now() - interval '%s')};
is($node->safe_psql('postgres', "$planned SELECT cloudgreet.tick() \\g /dev/null\n" . sprintf($asked, '1 hour') . q{; ROLLBACK; DELETE FROM cloudgreet.businesses WHERE name = 'Acme'}) =~ s/.*\n//r, '', 'a planned reminder is no fault while something calls tick()');
like($node->safe_psql('postgres', $planned . sprintf($asked, '1 hour') . q{; ROLLBACK; DELETE FROM cloudgreet.businesses WHERE name = 'Acme'}), qr/nothing calls tick\(\), so 1 reminders/, 'but it is when nothing does');
unlike($node->safe_psql('postgres', $planned . sprintf($asked, '1 minute') . q{; ROLLBACK; DELETE FROM cloudgreet.businesses WHERE name = 'Acme'}), qr/tick/, 'unless the server has just started');
like($node->safe_psql('postgres', "$planned UPDATE cloudgreet_private.due_work SET due_at = now() - interval '6 minutes' WHERE business_id = :'business'; SELECT * FROM cloudgreet.doctor(); ROLLBACK; DELETE FROM cloudgreet.businesses WHERE name = 'Acme'"),
	qr/reminders and follow-ups are late, the oldest by 00:06:00: nothing calls tick\(\)\|Install pg_cron/, 'and it is told what is late');

# Webhooks that wait; in a transaction, so that the processor does not see them.
my $waiting = q{SELECT cloudgreet.create_business('Acme', 'UTC') AS business \gset
	BEGIN; } . sprintf($inbox, 'pending', 'NULL') . q{;%s SELECT problem FROM cloudgreet_private.doctor_work(); ROLLBACK; DELETE FROM cloudgreet.businesses WHERE name = 'Acme'};
is($node->safe_psql('postgres', sprintf($waiting, '')), 'webhooks wait, the oldest for 00:10:00: nothing processes them', 'named: webhooks that nothing processes');
is($node->safe_psql('postgres', sprintf($waiting, ' SELECT cloudgreet.pause() \g /dev/null' . "\n")), '', 'which wait as they should where nothing is to be sent');

# A name of a time zone that came from a system with more of them.
like(problems(q{BEGIN; INSERT INTO cloudgreet.businesses (name, time_zone) VALUES ('Acme', 'UTC');
	ALTER TABLE cloudgreet.businesses DISABLE TRIGGER USER; UPDATE cloudgreet.businesses SET time_zone = 'Mars/Olympus'}), qr/does not know the time zone "Mars\/Olympus" of 1 rows of businesses/, 'named: a time zone that the system does not know');

# Lost master key, as docs/operations.md tells it: with the new one in use, nothing is left.
chmod 0600, $loose;
my $mended = "SET cloudgreet.master_key_file = '$loose'";
$node->safe_psql('postgres', q{
	SELECT cloudgreet.create_business('Acme', 'UTC') AS business \gset
	SELECT cloudgreet.set_secret('telnyx.api_key', 'one', :'business')});
like(problems($mended), qr/1 token keys and 1 secrets in use.*retire_jwt_key\('main'\).*add_jwt_key.*set_secret/, 'named: another master key, with the way out');
$node->safe_psql('postgres', "$mended; SELECT cloudgreet.retire_jwt_key('main'), cloudgreet.add_jwt_key('second', 'another-secret-of-thirty-two-bytes-or-more');
	SELECT cloudgreet.set_secret('telnyx.api_key', 'two', (SELECT id FROM cloudgreet.businesses))");
is(problems($mended), '', 'retired keys and old versions are of no concern');
$node->safe_psql('postgres', q{
	DELETE FROM cloudgreet_private.jwt_keys WHERE kid = 'second';
	UPDATE cloudgreet_private.jwt_keys SET is_active = true;
	DELETE FROM cloudgreet_private.secrets WHERE version = 2});

# --- A schema that is not whole ---------------------------------------------------------
$node->safe_psql('postgres', q{
	CREATE DATABASE broken;
	\c broken
	SET client_min_messages = warning;
	CREATE EXTENSION cloudgreet;
	SELECT cloudgreet.migrate();
	DROP EXTENSION cloudgreet CASCADE;
	CREATE EXTENSION cloudgreet;
});
is($node->safe_psql('broken', q{SELECT problem ~ 'not whole' AND mend ~ 'Restore a backup' FROM cloudgreet.doctor()}),
	't', 'of a schema that is not whole it says that alone');
my (undef, undef, $refused) = $node->psql('broken', 'SELECT cloudgreet_private.apply_permissions()');
like($refused, qr/the application schema is not whole/, 'which apply_permissions() does not paint over');
like($node->safe_psql('broken', q{SELECT status || convert_from(body, 'UTF8') FROM cloudgreet.http('GET', '/api/health?ready=1', '{}', '')}),
	qr/^503.*"schema":"not whole"/, 'and which is not ready');
$node->safe_psql('postgres', 'DROP DATABASE broken');

like(problems("SET cloudgreet.clock = '2026-01-01T00:00:00Z'"), qr/has a test value/, 'named: a test clock');
my (undef, undef, $err) = $node->psql('postgres', 'CREATE ROLE nobody; GRANT USAGE ON SCHEMA cloudgreet TO nobody; SET ROLE nobody; SELECT * FROM cloudgreet.doctor()');
like($err, qr/permission denied for function doctor/, 'it is for superusers');

# --- The HTTP gate -------------------------------------------------------------------
# Changes a setting or a file that is read at reload, and waits for what doctor() says then.
sub after_reload
{
	my ($what, $expected) = @_;
	$node->reload;
	ok($node->poll_query_until('postgres', "SELECT coalesce(string_agg(problem, '; '), 'well') ~ '$expected' FROM cloudgreet_private.doctor_gate()"), $what);
}
$node->adjust_conf('postgresql.conf', 'cloudgreet.databases', "'other'");
after_reload('noted: another database is served', '^this database is not served; other is$');
like(problems(), qr/^note: .*cloudgreet\.databases = 'other, postgres'/m, 'and is kept by the line that adds this one');
$node->adjust_conf('postgresql.conf', 'cloudgreet.databases', "'other, postgres'");
after_reload('the gate of another database is not missed here', '^well$');
$node->adjust_conf('postgresql.conf', 'cloudgreet.databases', "''");
after_reload('named: a database that is not served', '^this database is not served: it has no dispatcher');
$node->adjust_conf('postgresql.conf', 'cloudgreet.databases', "'postgres'");
after_reload('and gone once named', '^well$');
my $hba = slurp_file($node->data_dir . '/pg_hba.conf');
append_to_file($node->data_dir . '/pg_hba.new', "local all cloudgreet_gate reject\n$hba");
rename $node->data_dir . '/pg_hba.new', $node->data_dir . '/pg_hba.conf';
$node->safe_psql('postgres', q{SELECT pg_reload_conf(), pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cloudgreet_gate'});
after_reload('named: a gate that is not let in', 'cannot connect to this database as role');
like(problems(), qr/pg_ident\.conf.*peer map=cloudgreet/, 'with the lines for pg_ident.conf and pg_hba.conf');
unlink $node->data_dir . '/pg_hba.conf';
append_to_file($node->data_dir . '/pg_hba.conf', $hba);
after_reload('and gone once it is', '^well$');
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate', 'off');
after_reload('noted: no gate is wanted', '^there is no HTTP gate');
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate', 'on');
after_reload('and not once it is', '^well$');
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate_listen_addresses', "'192.0.2.1'");
after_reload('named: an address that is not this machine\'s', "^the HTTP gate still listens on port $port as before");
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate_listen_addresses', "'127.0.0.1'");
after_reload('and gone once it is', '^well$');
my $taken = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1');
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate_port', $taken->sockport);
after_reload('named: a port that is taken, at reload', "^the HTTP gate still listens on port $port as before");
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT problem = 'the HTTP gate does not listen' FROM cloudgreet_private.doctor_gate()}), 'named: a port that is taken');
close $taken;

# Without preload it says how to get it, beside other libraries, and nothing more.
$node->adjust_conf('postgresql.conf', 'cloudgreet.gate_port', $port);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'auto_explain,pg_stat_statements'");
$node->restart;
is($node->safe_psql('postgres', q{SELECT count(*) FROM cloudgreet.doctor()}), '1', 'without preload it says one thing');
my ($line) = problems() =~ /the library is not preloaded.* -> (ALTER SYSTEM .*;)/;
is($line, q{ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', 'pg_stat_statements', 'cloudgreet';}, 'with the line that keeps the others');
$node->safe_psql('postgres', $line);
$node->restart;
ok($node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM cloudgreet.doctor())}), 'with which the server starts, and all is well');
$node->stop;
done_testing();

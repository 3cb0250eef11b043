# 062_migrate_locks.pl
#		migrate() changes only what differs: nobody who reads waits for it, and it waits for
#		nobody without end.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('migrate_locks');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
my $shared = $node->config_data('--sharedir') . '/extension/cloudgreet';
($shared) = grep { -d "$_/api" } $shared, map { "$_/cloudgreet" } $node->config_data('--sharedir') or BAIL_OUT('where are the files?');
my $files = $node->basedir . '/files';
mkdir $files;
system_or_bail('cp', '-R', "$shared/schema", "$shared/api", $files);
my $migrate = "SET cloudgreet.script_directory = '$files'; SELECT cloudgreet.migrate()";
my $locks = q{SELECT coalesce(string_agg(l.relation::regclass || ' ' || l.mode, ', '), 'none') FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
	WHERE l.pid = pg_backend_pid() AND c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND l.mode = };
my $policies = q{SELECT md5(string_agg(p.oid::text || p.xmin::text, ',' ORDER BY p.oid)) FROM pg_policy p};
my $rewritten = q{SELECT count(*) FROM pg_proc p WHERE p.pronamespace = 'cloudgreet_private'::regnamespace AND p.xmin::text::bigint > %s};
my $before = $node->safe_psql('postgres', $policies);

sub locks { my ($mode, $sql) = @_; return (split /\n/, $node->safe_psql('postgres', "BEGIN; $sql; $locks '$mode'; COMMIT"))[-1]; }

is(locks('AccessExclusiveLock', $migrate), 'none', 'with the same files in another place nothing is locked');
append_to_file("$files/api/970_more.sql", "CREATE FUNCTION cloudgreet_private.more() RETURNS integer LANGUAGE sql RETURN 1;\nCOMMENT ON FUNCTION cloudgreet_private.more() IS 'For a test.';\nREVOKE ALL ON FUNCTION cloudgreet_private.more() FROM PUBLIC;\n");
# A session that reads every table, as pg_dump does, and never ends.
my $reader = $node->background_psql('postgres');
$reader->query_safe(q{BEGIN; DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace IN ('cloudgreet'::regnamespace, 'cloudgreet_private'::regnamespace) AND c.relkind IN ('r', 'p')
	LOOP EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', t); END LOOP; END $$});
is(locks('AccessExclusiveLock', $migrate) =~ s/cloudgreet_private\.requests AccessExclusiveLock/none/r, 'none', 'new files change functions, and lock no table against readers');
is($node->safe_psql('postgres', 'SELECT cloudgreet_private.more()'), 1, 'what is new is there');
is($node->safe_psql('postgres', $policies), $before, 'policies that are the same stay');
unlink "$files/api/970_more.sql";
append_to_file("$files/api/980_pinned.sql", "\n-- changed\n");
$node->safe_psql('postgres', $migrate);
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc WHERE proname = 'more'}), 0, 'what is gone is dropped');
$reader->query_safe('ROLLBACK');

# --- What differs is mended, also by hand -----------------------------------------------------
$node->safe_psql('postgres', q{ALTER POLICY leads_tenant_all ON cloudgreet.leads USING (true); DROP POLICY leads_admin_select ON cloudgreet.leads;
	ALTER TABLE cloudgreet.leads NO FORCE ROW LEVEL SECURITY; ALTER TABLE cloudgreet_private.outbox SET (fillfactor = 100)});
my $wanted = q{SELECT string_agg(concat_ws(' ', polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), E'\n' ORDER BY polname) FROM pg_policy WHERE polrelid = 'cloudgreet.%s'::regclass};
append_to_file("$files/api/980_pinned.sql", "\n-- again\n");
$node->safe_psql('postgres', $migrate);
is($node->safe_psql('postgres', sprintf($wanted, 'leads') . q{ AND polname !~ '(insert|update|delete)$'}) =~ s/leads_/calls_/gr, $node->safe_psql('postgres', sprintf $wanted, 'calls'), 'policies that were changed or dropped are made anew');
is($node->safe_psql('postgres', q{SELECT relforcerowsecurity FROM pg_class WHERE oid = 'cloudgreet.leads'::regclass}), 't', 'so is the owner held');
like($node->safe_psql('postgres', q{SELECT reloptions FROM pg_class WHERE oid = 'cloudgreet_private.outbox'::regclass}), qr/fillfactor=80/, 'and how a table is kept');

# --- Who waits for a lock gives up -------------------------------------------------------------
append_to_file("$files/api/970_more.sql", "ALTER TABLE cloudgreet.leads ALTER COLUMN notes SET STATISTICS 100;\n");
$reader->query_safe('BEGIN; LOCK TABLE cloudgreet.leads IN SHARE MODE');
my ($status, $out, $err) = $node->psql('postgres', "SET lock_timeout = '100ms'; $migrate");
like($err, qr/lock timeout/, 'a table that another session locks is not waited for without end');
($status, $out, $err) = $node->psql('postgres', $migrate);
like($err, qr/lock timeout/, 'nor when nobody set a limit');
$reader->query_safe('ROLLBACK');
$reader->quit;
$node->safe_psql('postgres', $migrate);
pass('and then it is done');
$node->stop;
done_testing();

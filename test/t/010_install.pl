# 010_install.pl
#		Installing where it must be refused or be harmless: other roles' schemas,
#		planted objects, no superuser, a schema that does not fit the library.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('install');
$node->init;
$node->start;

# Runs SQL in a database and returns (stdout, "SQLSTATE: message" of the first error).
sub try_sql
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$sql", on_error_stop => 1);
	my ($error) = $err =~ /ERROR:\s+(.*)/;
	return ($out, $error // '');
}

sub fresh_database
{
	my ($name) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	return $name;
}

# --- Who and where --------------------------------------------------------------------
my $database = fresh_database('plain');
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE ROLE app LOGIN');
$node->safe_psql($database, 'GRANT CREATE ON DATABASE plain TO mallory');
my (undef, $error) = try_sql($database, 'SET SESSION AUTHORIZATION mallory; CREATE EXTENSION cloudgreet');
like($error, qr/^42501/, 'CREATE EXTENSION without superuser rights is refused');

$node->safe_psql($database, 'SET SESSION AUTHORIZATION mallory; CREATE SCHEMA cloudgreet');
(undef, $error) = try_sql($database, 'CREATE EXTENSION cloudgreet');
like($error, qr/^42501: schema "cloudgreet" or "cloudgreet_private" belongs to another role/,
	'a schema of another role is refused');
is($node->safe_psql($database, "SELECT count(*) FROM pg_extension WHERE extname = 'cloudgreet'"),
	'0', 'a refused installation leaves nothing behind');
$node->safe_psql($database, 'DROP SCHEMA cloudgreet');

$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
(undef, $error) = try_sql('latin', 'CREATE EXTENSION cloudgreet');
like($error, qr/^0A000: .*UTF8/, 'a database that is not UTF8 is refused');

for my $fault ('LOGIN', 'BYPASSRLS', 'SUPERUSER')
{
	$node->safe_psql('postgres', "CREATE ROLE cloudgreet_owner $fault");
	(undef, $error) = try_sql($database, 'CREATE EXTENSION cloudgreet');
	like($error, qr/^42501: role "cloudgreet_owner" exists and is not safe/, "an owner role with $fault is refused");
	$node->safe_psql('postgres', 'DROP ROLE cloudgreet_owner');
}
$node->safe_psql('postgres', 'CREATE ROLE cloudgreet_owner; GRANT cloudgreet_owner TO mallory');
(undef, $error) = try_sql($database, 'CREATE EXTENSION cloudgreet');
like($error, qr/^42501: role "cloudgreet_owner"/, 'an owner role with members is refused');
$node->safe_psql('postgres', 'DROP ROLE cloudgreet_owner');

# --- A hostile search path ------------------------------------------------------------
# Every operator and function that a careless script would find first is a trojan.
$node->safe_psql(
	$database, q{
	GRANT CREATE ON SCHEMA public TO mallory;
	SET SESSION AUTHORIZATION mallory;
	CREATE TABLE public.trojan_ran (by_role name);
	CREATE FUNCTION public.spring(text, text) RETURNS boolean LANGUAGE plpgsql AS
		'BEGIN INSERT INTO public.trojan_ran VALUES (current_user); RETURN true; END';
	CREATE OPERATOR public.= (FUNCTION = public.spring, LEFTARG = text, RIGHTARG = text);
	CREATE OPERATOR public.<> (FUNCTION = public.spring, LEFTARG = text, RIGHTARG = text);
	CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS
		'BEGIN INSERT INTO public.trojan_ran VALUES (current_user); RETURN $1; END';
	CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS
		'BEGIN INSERT INTO public.trojan_ran VALUES (current_user); RETURN pg_catalog.now(); END';
});
$node->safe_psql($database, 'SET search_path = public, pg_catalog; CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
is($node->safe_psql($database, 'SELECT count(*) FROM public.trojan_ran'),
	'0', 'installing under a hostile search_path runs nothing that was planted');

# --- Without and with the schema ------------------------------------------------------
$database = fresh_database('bare');
$node->safe_psql($database, 'CREATE EXTENSION cloudgreet');
(undef, $error) = try_sql($database, "BEGIN; SELECT cloudgreet.login('x')");
like($error, qr/^ZG112/, 'a function that needs the schema says that migrate() is missing');
is($node->safe_psql($database, 'SELECT cloudgreet.current_business_id() IS NULL'),
	't', 'current_business_id() needs no schema');
(undef, $error) = try_sql($database, 'BEGIN READ ONLY; SELECT cloudgreet.migrate()');
like($error, qr/^25006/, 'migrate() in a read-only transaction is refused');
(undef, $error) = try_sql($database, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT cloudgreet.migrate()');
like($error, qr/^25001/, 'so is one that cannot see what another migration did');
$node->safe_psql($database, 'BEGIN; SELECT cloudgreet.migrate(); ROLLBACK');
is($node->safe_psql($database, "SELECT to_regclass('cloudgreet.leads') IS NULL"),
	't', 'migrate() rolls back as a whole');

# --- A schema of another age ----------------------------------------------------------
$node->safe_psql($database, 'SELECT cloudgreet.migrate()');
$node->safe_psql($database, "INSERT INTO cloudgreet_private.schema_migrations VALUES (999, '999_future.sql', 'x')");
(undef, $error) = try_sql($database, 'SELECT cloudgreet.migrate()');
like($error, qr/^ZG114/, 'migrate() refuses a newer schema');
(undef, $error) = try_sql($database, "BEGIN; SELECT cloudgreet.login('x')");
like($error, qr/^ZG114/, 'so do the functions that need the schema');
$node->safe_psql($database, 'DELETE FROM cloudgreet_private.schema_migrations WHERE version >= 60');
(undef, $error) = try_sql($database, "BEGIN; SELECT cloudgreet.login('x')");
like($error, qr/^ZG113/, 'and they refuse an older schema');
$node->safe_psql($database, "UPDATE cloudgreet_private.schema_migrations SET checksum = 'x' WHERE version = 1");
(undef, $error) = try_sql($database, 'SELECT cloudgreet.migrate()');
like($error, qr/^55000: schema step "001_bookkeeping.sql" was changed/, 'a step that changed after it ran is refused');

# --- Two at once ----------------------------------------------------------------------
$database = fresh_database('twice');
$node->safe_psql($database, 'CREATE EXTENSION cloudgreet');
my $first = $node->background_psql($database, on_error_die => 1);
$first->query_safe('BEGIN');
$first->query_safe('SELECT cloudgreet.migrate()');
my $second = $node->background_psql($database, on_error_die => 1);
$second->query_until(qr/started/, "\\echo started\nSELECT 'version ' || cloudgreet.migrate();\n");
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND locktype = 'object'")
	or die 'the second migration does not wait';
$first->query_safe('COMMIT');
like($second->query_safe("SELECT 'done'"), qr/done/, 'a second migrate() waits for the first and then finds nothing to do');
$first->quit;
$second->quit;

# --- Beside Supabase's own roles ------------------------------------------------------
my $supabase = PostgreSQL::Test::Cluster->new('supabase');
$supabase->init;
$supabase->start;
$supabase->safe_psql('postgres', q{
	CREATE ROLE anon NOLOGIN NOINHERIT;
	CREATE ROLE authenticated NOLOGIN NOINHERIT;
	CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
	CREATE ROLE authenticator LOGIN NOINHERIT PASSWORD 'kept';
	GRANT anon TO authenticator;
	CREATE SCHEMA extensions;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon, authenticated, service_role;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
});
my $roles = q{SELECT string_agg(a::text, ' ' ORDER BY a.rolname) FROM pg_authid a WHERE rolname IN ('anon', 'authenticated', 'service_role', 'authenticator')};
my $before = $supabase->safe_psql('postgres', $roles);
$supabase->safe_psql('postgres', 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
is($supabase->safe_psql('postgres', $roles), $before, 'roles that exist are left as they are');
is($supabase->safe_psql('postgres', "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'btree_gist'"),
	'extensions', 'btree_gist goes where Supabase keeps extensions');
is($supabase->safe_psql('postgres', q{
	SELECT count(*) FROM pg_class c WHERE relnamespace::regnamespace::text LIKE 'cloudgreet%' AND relkind IN ('r', 'p')
	   AND (has_table_privilege('anon', oid, 'SELECT') OR has_table_privilege('authenticated', oid, 'TRUNCATE'))}),
	'0', 'default privileges of the database open no table');
is($supabase->safe_psql('postgres', q{
	SELECT string_agg(p.oid::regprocedure::text, ' ') FROM pg_proc p WHERE pronamespace::regnamespace::text LIKE 'cloudgreet%'
	   AND prokind = 'f' AND has_function_privilege('anon', oid, 'EXECUTE')
	   AND proname NOT IN ('uuid_v7', 'uuid_v7_floor', 'uuid_v7_time', 'clock', 'current_business_id', 'current_user_id', 'current_app_role',
	                       'resolve_business', 'is_operator', 'is_phone_number', 'is_email', 'is_time_zone', 'normalize_phone_number', 'normalize_email', 'normalize_time_zone', 'say_time',
	                       'phone_party', 'phone_number_kind', 'read_email', 'normalize_contact', 'time_zone_country', 'sms_segments')}),
	'', 'nor a function');
$supabase->stop;

# --- Leaving --------------------------------------------------------------------------
(undef, $error) = try_sql($database, 'DROP EXTENSION cloudgreet');
like($error, qr/^2BP01/, 'DROP EXTENSION is refused while the application schema is there');
$node->safe_psql($database, 'CREATE VIEW public.mine AS SELECT id FROM cloudgreet.leads');
(undef, $error) = try_sql($database, 'SELECT cloudgreet.uninstall()');
like($error, qr/^2BP01/, "uninstall() is refused while a user's view depends on a table");
$node->safe_psql($database, 'DROP VIEW public.mine; SELECT cloudgreet.uninstall(); DROP EXTENSION cloudgreet');
is($node->safe_psql($database, "SELECT count(*) FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'cloudgreet%'"),
	'0', 'uninstall() and DROP EXTENSION leave no table');
$node->safe_psql($database, 'CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
is($node->safe_psql($database, "SELECT count(*) FROM cloudgreet.businesses"), '0', 'and it can be installed again');

$node->stop;
done_testing();

# 005_harness.pl
#		What sets up and judges the tests: the packages of each Debian, what a failed setup
#		leaves, both formats of pg_regress, why npm or a test file failed.
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;

my $lib = "$ENV{TESTDIR}/test/lib";
my $bin = PostgreSQL::Test::Utils::tempdir();
sub program
{
	my ($name, $text) = @_;
	unlink "$bin/$name";
	append_to_file("$bin/$name", "#!/bin/bash\n$text\n");
	chmod 0755, "$bin/$name";
}

# --- setup: on machines that are played ------------------------------------------------
# The machine has nothing; its sudo writes down what it was asked for.
program('dpkg-query', 'exit 1');
program('id', 'echo 1000');
program('apt-get', 'exit 1');
program('sudo', qq{echo "\$@" >>$bin/asked; case "\$*" in *"install -y"*) exit 100;; *tee*) cat >/dev/null;; esac; exit 0});
program('apt-cache', q{case "$*" in "depends postgresql") printf 'postgresql\n  Depends: postgresql-%s\n |Depends: debconf\n' $MAJOR;; "show libllhttp-dev") test $MAJOR = 17;; esac});
sub setup
{
	my (%environment) = @_;
	local %ENV = (%ENV, PATH => "$bin:/usr/bin:/bin", PG_CONFIG => '', %environment);
	unlink "$bin/asked";
	my $said = `$lib/setup --run 2>&1`;
	return ($said, -e "$bin/asked" ? slurp_file("$bin/asked") : q{});
}
for my $major (15, 17)
{
	my ($said, $asked) = setup(MAJOR => $major, PG_CONFIG => "/usr/lib/postgresql/$major/bin/pg_config");
	like($said, qr/installing .*\bpostgresql-$major postgresql-$major-cron postgresql-server-dev-$major\b/, "PG_CONFIG names PostgreSQL $major");
	like($said, qr/these packages cannot be installed: .*Debian 12.*Debian 13/, 'a failure is told');
	like($asked, qr/tee (\S+createcluster\.d\S+)\n.*^rm -f \1$/ms, 'and the settings of the meantime are taken back');
}
SKIP:
{
	skip 'llhttp has its C files here', 1 if -d '/usr/share/llhttp';
	like((setup(MAJOR => 17))[0], qr/ libllhttp-dev\b/, 'Debian 13 has llhttp as a library');
}
program('pg_config', 'exit 1');
like((setup(MAJOR => 17))[0], qr/ postgresql-17 /, 'without any the one that apt offers is taken');
like((setup(MAJOR => 17, PG_CONFIG => '/opt/none/pg_config'))[0], qr/there is no PostgreSQL with files/, 'a PG_CONFIG that names none is told');

# --- Outcomes of pg_regress ------------------------------------------------------------
sub outcomes
{
	my ($log) = @_;
	my $file = "$bin/log";
	unlink $file;
	append_to_file($file, $log);
	return join ',', split /\n/, `$lib/outcomes <$file`;
}
my $expected = 'ok install,failed leads,ok long_name';
is(outcomes("# +++ regress +++\ntest install                      ... ok          541 ms\ntest leads                        ... FAILED       12 ms\ntest long_name                    ... ok\n 1 of 3 tests failed.\n"),
	$expected, 'the format until 15');
is(outcomes("# +++ regress +++\nok 1         - install                                   541 ms\nnot ok 2     - leads                                      12 ms\nok 3         + long_name                                  78 ms\n1..3\n# 1 of 3 tests failed.\n"),
	$expected, 'the format since 16');

# --- npm ---------------------------------------------------------------------------------
mkdir "$bin/package";
append_to_file("$bin/package/package-lock.json", '{}');
program('npm', 'case "$*" in *silent*) ;; *) echo "npm error no such host" >&2;; esac; exit 1');
like(`PATH=$bin:\$PATH $lib/packages $bin/package 2>&1`, qr/no such host/, 'why npm failed is shown');

# --- A file that bails out -----------------------------------------------------------------
append_to_file("$bin/bails.pl", 'use Test::More; ok(1); BAIL_OUT("no server");');
my $said = `perl -I$lib -MKeepGoing $bin/bails.pl 2>&1`;
like($said, qr/bailed out: no server/, 'a file that bails out says why');
unlike($said, qr/^Bail out!/m, 'and ends no other');

done_testing();

# Doctor.pm
#		The lines that doctor() prints, as a person would run them.
package Doctor;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = ('statements', 'failing_lines');

# The SQL statements of a line; what is said after a comment, for a shell, or for another
# server is none.
sub statements
{
	my ($mend) = @_;
	$mend =~ s/ -- .*//;
	return '' if $mend =~ /^(in a shell|On the primary)/;
	return join ' ', $mend =~ /\b((?:LOAD|SELECT|UPDATE|DELETE|INSERT|ALTER (?:SYSTEM|ROLE|TABLE|EXTENSION)|REVOKE|GRANT|CREATE)\b(?:[^;']|'[^']*')*;)/g;
}

# Runs every line that doctor() prints in a database, each in a session of its own; the
# errors, one a line.
sub failing_lines
{
	my ($node, $database) = @_;
	my @failed;
	foreach my $line (map { statements($_) } split /\n/, $node->safe_psql($database, 'SELECT mend FROM cloudgreet.doctor()'))
	{
		my ($status, undef, $error) = $node->psql($database, $line, on_error_stop => 1);
		push @failed, "$line $error" if $status != 0;
	}
	return join "\n", @failed;
}

1;

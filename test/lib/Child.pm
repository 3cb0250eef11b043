# Child.pm
#		A program that a test talks to by its standard input and output, and whose errors go
#		into a file.  Used by FakeProvider.pm and Gate.pm.
package Child;
use strict;
use warnings;
use POSIX ();

# Returns the pid, the end to write to and the end to read from.
sub start
{
	my ($log, @command) = @_;
	pipe(my $stdin, my $control) or die $!;
	pipe(my $reports, my $stdout) or die $!;
	my $pid = fork() // die $!;
	if ($pid == 0)
	{
		open STDIN, '<&', $stdin or POSIX::_exit(97);
		open STDOUT, '>&', $stdout or POSIX::_exit(97);
		open STDERR, '>', $log or POSIX::_exit(97);
		close $_ for $stdin, $stdout, $control, $reports;
		exec @command or POSIX::_exit(98);
	}
	close $_ for $stdin, $stdout;
	return ($pid, $control, $reports);
}

1;

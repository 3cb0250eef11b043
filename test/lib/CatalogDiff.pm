# CatalogDiff.pm
#		Compares two catalog fingerprints and says which lines differ.
package CatalogDiff;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = ('catalog_diff');

# The lines that only one of two texts has, marked "-" (expected) and "+" (got); "" if none.
sub catalog_diff
{
	my ($got, $expected) = @_;
	my %got = map { $_ => 1 } split /\n/, $got;
	my %expected = map { $_ => 1 } split /\n/, $expected;
	return join "\n", (map { "- $_" } sort grep { !$got{$_} } keys %expected), (map { "+ $_" } sort grep { !$expected{$_} } keys %got);
}

1;

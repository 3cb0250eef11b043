# 130_webhook_vectors.pl
#		Signatures that the providers' own libraries made: each is judged as they do.
#
# The vectors are not part of the project; CLOUDGREET_SHARED names their directory.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $file = ($ENV{CLOUDGREET_SHARED} // '') . '/providers/signature_vectors.json';
plan skip_all => 'the vectors are not here' unless -r $file;
my $vectors = decode_json(slurp_file($file))->{vectors};

my $node = PostgreSQL::Test::Cluster->new('vectors');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION cloudgreet');

sub quoted { my ($text) = @_; $text =~ s/'/''/g; return "'$text'" }

foreach my $v (@$vectors)
{
	my ($provider) = $v->{provider} =~ /^([a-z]+)/;
	my $key = $v->{public_key_base64} // $v->{api_key} // $v->{secret} // join(' ', @$v{qw(channel_id resource_id channel_token)});
	my $headers = JSON::PP->new->ascii->encode($v->{headers});
	my $found = $node->safe_psql('postgres', sprintf(
		"SELECT cloudgreet.verify_webhook('%s', %s, '\\x%s', ARRAY['a wrong key', %s], to_timestamp(%s))",
		$provider, quoted($headers), $v->{body_hex} // '', quoted($key), $v->{now}));
	is($found, $v->{expect} eq 'accept' ? 't' : 'f', "$v->{provider}: $v->{name} ($v->{reason})");
}
cmp_ok(scalar(@$vectors), '>=', 20, 'there are as many vectors as there were');

done_testing();

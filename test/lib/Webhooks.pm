# Webhooks.pm
#		A server whose businesses have accounts at all providers, and webhooks signed as
#		the providers do.  The time is 2026-06-09 16:00Z.
package Webhooks;
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use IPC::Run ();
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our $now = 1781020800;
our $json = JSON::PP->new->canonical->ascii;
my %subject = (telnyx => 'webrtc', retell => 'retell', resend => 'resend', google => 'google');

# Starts the server and makes the keys.
sub start
{
	my ($class, $name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init;
	my $self = bless {node => $node, dir => $node->basedir, key => {retell => 'key_of_retell', resend => 'whsec_c2VjcmV0LW9mLXJlc2VuZA==', google => 'a-token'}}, $class;
	append_to_file("$self->{dir}/master.key", '0123456789abcdef' x 4);
	chmod 0600, "$self->{dir}/master.key";
	$node->append_conf('postgresql.conf', qq{
shared_preload_libraries = 'cloudgreet'
cloudgreet.master_key_file = '$self->{dir}/master.key'
cloudgreet.clock = '2026-06-09 16:00:00Z'
fsync = off
});
	$node->start;
	$self->{pem} = "$self->{dir}/telnyx.pem";
	$self->{key}{telnyx} = make_key_pair($self->{pem});
	$self->sql('CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate();');
	$self->sql(slurp_file('test/lib/webhook_state.sql'));
	return $self;
}

# Makes a key pair of Telnyx's kind and returns the public key as their portal shows it.
sub make_key_pair
{
	my ($file) = @_;
	IPC::Run::run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $file]) or die 'no key';
	IPC::Run::run(['openssl', 'pkey', '-in', $file, '-pubout', '-outform', 'DER'], '>', \my $der) or die 'no public key';
	return encode_base64(substr($der, -32), '');
}

sub sql { my ($self, @sql) = @_; return $self->{node}->safe_psql('postgres', join(' ', @sql)) }

sub quoted { my ($text) = @_; $text =~ s/'/''/g; return "'$text'" }

# A business with an account at every provider; its id and those of the accounts.
sub make_business
{
	my ($self, $number, %keys) = @_;
	my $b = $self->sql("SELECT cloudgreet.create_business('Lakeside', 'America/Chicago')");
	$self->sql("SELECT cloudgreet.add_phone_number('$number', business_id => '$b'), cloudgreet.create_agent('Front desk', business_id => '$b')");
	my %accounts;
	foreach my $provider (sort keys %subject)
	{
		my $secret = $keys{$provider} // $self->{key}{$provider};
		my $use = $provider eq 'google' ? 'refresh_token' : 'api_key';
		$self->sql("SELECT cloudgreet.set_secret('$provider', '$secret', '$b')");
		$accounts{$provider} = $self->sql(qq(SELECT cloudgreet.connect_provider('$provider', '{"$use": "$provider", "webhook_key": "$provider"}', business_id => '$b')));
	}
	return ($b, %accounts);
}

# The headers of a body that the provider sends at a time (Unix seconds).
sub headers
{
	my ($self, $provider, $body, $at, $id) = @_;
	if ($provider eq 'telnyx')
	{
		open(my $file, '>:raw', "$self->{dir}/message") or die;
		print $file "$at|$body";
		close $file;
		IPC::Run::run(['openssl', 'pkeyutl', '-sign', '-inkey', $self->{pem}, '-rawin', '-in', "$self->{dir}/message"], '>', \my $signature) or die 'not signed';
		return {'telnyx-timestamp' => "$at", 'telnyx-signature-ed25519' => encode_base64($signature, '')};
	}
	elsif ($provider eq 'retell')
	{
		return {'x-retell-signature' => "v=${at}000,d=" . hmac_sha256_hex("$body${at}000", $self->{key}{retell})};
	}
	elsif ($provider eq 'resend')
	{
		my $key = decode_base64($self->{key}{resend} =~ s/^whsec_//r);
		return {'svix-id' => $id, 'svix-timestamp' => "$at", 'svix-signature' => 'v1,' . encode_base64(hmac_sha256("$id.$at.$body", $key), '')};
	}
	return {'x-goog-channel-id' => 'channel', 'x-goog-resource-id' => 'resource', 'x-goog-channel-token' => $self->{key}{google},
		'x-goog-resource-state' => 'exists', 'x-goog-message-number' => $id};
}

# Makes a signed delivery under a name, for public.deliver().  More: at, target, and what
# is put in the place of the headers or the body after signing.
sub prepare
{
	my ($self, $name, $provider, $event, %more) = @_;
	my $body = ref $event ? $json->encode($event) : $event;
	my $headers = $more{headers} // $self->headers($provider, $body, $more{at} // $now, 'msg_' . $name =~ s/\W/_/gr);
	$self->sql(sprintf('INSERT INTO public.deliveries VALUES (%s, %s, %s, %s)', quoted($name), quoted($more{target} // "/api/$subject{$provider}/webhook"),
			quoted($json->encode($headers)), quoted($more{body} // $body)));
	return $name;
}

sub deliver { my ($self, $name) = @_; return $self->sql('SELECT public.deliver(' . quoted($name) . ')') }

1;

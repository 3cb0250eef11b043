# Webhooks.pm
#		Signs webhooks as the providers do.
package Webhooks;
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex);
use IPC::Run ();
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Utils;

# Directory for the key of Telnyx; keys of the others as they are shown.
sub new
{
	my ($class, %args) = @_;
	my $self = bless {retell => 'key_of_retell', resend => 'whsec_c2VjcmV0LW9mLXJlc2VuZA==', google => 'a-token', %args}, $class;
	$self->{pem} = "$self->{dir}/telnyx.pem";
	PostgreSQL::Test::Utils::run_log(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $self->{pem}]);
	IPC::Run::run(['openssl', 'pkey', '-in', $self->{pem}, '-pubout', '-outform', 'DER'], '>', \my $der) or die 'no public key';
	$self->{telnyx} = encode_base64(substr($der, -32), '');
	return $self;
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
		return {'x-retell-signature' => "v=${at}000,d=" . hmac_sha256_hex("$body${at}000", $self->{retell})};
	}
	elsif ($provider eq 'resend')
	{
		my $key = decode_base64($self->{resend} =~ s/^whsec_//r);
		return {'svix-id' => $id, 'svix-timestamp' => "$at", 'svix-signature' => 'v1,' . encode_base64(hmac_sha256("$id.$at.$body", $key), '')};
	}
	return {'x-goog-channel-id' => 'channel', 'x-goog-resource-id' => 'resource', 'x-goog-channel-token' => $self->{google},
		'x-goog-resource-state' => 'exists', 'x-goog-message-number' => $id};
}

1;

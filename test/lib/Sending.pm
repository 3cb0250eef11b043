# Sending.pm
#		A server with its gate and workers, the fake provider, and a business that has
#		accounts there.
package Sending;
use strict;
use warnings;
use FakeProvider;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# settings: lines for postgresql.conf beside the usual ones.
sub start
{
	my ($class, $name, $settings) = @_;
	my $fake = FakeProvider->start;
	my $node = PostgreSQL::Test::Cluster->new($name);
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	$node->init;
	append_to_file($node->basedir . '/master.key', '0123456789abcdef' x 4);
	chmod 0600, $node->basedir . '/master.key';
	$node->append_conf('postgresql.conf', join "\n",
		q{shared_preload_libraries = 'cloudgreet'}, "cloudgreet.master_key_file = '" . $node->basedir . "/master.key'",
		q{cloudgreet.databases = 'postgres'}, "cloudgreet.gate_port = $port", "cloudgreet.public_url = 'http://127.0.0.1:$port'",
		(map { "cloudgreet.${_}_url = '" . $fake->url($_) . "'" } qw(telnyx resend)),
		q{cloudgreet.outbox_retry_base = '50ms'}, 'fsync = off', $settings // '');
	$node->start;
	my $self = bless { node => $node, fake => $fake, port => $port }, $class;
	$self->sql('CREATE EXTENSION cloudgreet; SELECT cloudgreet.migrate()');
	$self->{business} = $self->add_business('Acme', '+12125550123');
	return $self;
}

sub sql { my ($self, $sql) = @_; return $self->{node}->safe_psql('postgres', $sql); }

# The id of a new business that can send.
sub add_business
{
	my ($self, $name, $number) = @_;
	my $fake = $self->{fake};
	my %key = map { $_ => $fake->key($_) } qw(telnyx resend);
	my %webhook_key = map { $_ => $fake->webhook_key($_) } qw(telnyx resend);
	return (split /\n/, $self->sql(qq{
		SELECT cloudgreet.create_business('$name', 'America/New_York') AS b \\gset
		SELECT FROM unnest('{telnyx,resend}'::text[], '{$key{telnyx},$key{resend}}'::text[], '{$webhook_key{telnyx},$webhook_key{resend}}'::text[]) AS k (provider, key, webhook_key),
			LATERAL (SELECT cloudgreet.set_secret(provider || '.api_key', key, :'b')) s, LATERAL (SELECT cloudgreet.set_secret(provider || '.webhook_key', webhook_key, :'b')) w,
			LATERAL (SELECT cloudgreet.connect_provider(provider, jsonb_build_object('api_key', provider || '.api_key', 'webhook_key', provider || '.webhook_key'),
				'{"from": "$name <office\@example.com>"}', business_id => :'b')) c;
		SELECT FROM cloudgreet.add_phone_number('$number', business_id => :'b');
		SELECT :'b'}))[-1];
}

# The id of a new text.
sub text
{
	my ($self, $to, $words) = @_;
	return $self->sql("SELECT cloudgreet.send_sms('$to', '$words', business_id => '$self->{business}')");
}

sub email
{
	my ($self, $to, $subject) = @_;
	return $self->sql("SELECT cloudgreet.send_email('$to', '$subject', 'Hello.', business_id => '$self->{business}')");
}

# A column of the request that a text or e-mail waits for, or of another query's only row.
sub request { my ($self, $column, $subject) = @_; return $self->sql("SELECT $column FROM cloudgreet_private.requests WHERE subject_id = '$subject' ORDER BY id DESC LIMIT 1"); }

# Waits until the request of a text or e-mail is in a state.
sub reaches
{
	my ($self, $subject, $state) = @_;
	return $self->{node}->poll_query_until('postgres', "SELECT state = '$state' FROM cloudgreet_private.requests WHERE subject_id = '$subject' ORDER BY id DESC LIMIT 1");
}

# What reached the provider, oldest first: texts or subjects.
sub texts { my ($self) = @_; return map { $_->{text} } sort { $a->{received_at} cmp $b->{received_at} } values %{ $self->{fake}->state('telnyx', 'messages') }; }
sub emails { my ($self) = @_; return map { $_->{subject} } values %{ $self->{fake}->state('resend', 'emails') }; }

# Moves the test clock, and tells the workers.
sub clock
{
	my ($self, $time) = @_;
	$self->sql("ALTER SYSTEM SET cloudgreet.clock = '$time'");
	$self->{node}->reload;
	# The server takes notice in its own time, and sessions that begin before have the old one.
	$self->{node}->poll_query_until('postgres', "SELECT current_setting('cloudgreet.clock') = '$time'") or die "the clock is not at $time";
	return;
}

1;

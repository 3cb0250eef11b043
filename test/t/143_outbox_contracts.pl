# 143_outbox_contracts.pl
#		What the dispatcher itself sends, against the providers' own specifications: the proxy
#		of 128_contracts.pl stands between it and the fake provider.
use strict;
use warnings;
use FakeProvider;
use Sending;
use Supervised qw(until_true);
use Test::More;

plan skip_all => 'no node here' unless FakeProvider::has_node();
plan skip_all => 'the specifications are not here (CLOUDGREET_SHARED)' unless FakeProvider::specifications();
plan skip_all => 'the contract packages are not installed' unless -d 'test/contract/node_modules';

my $server = Sending->start('contracts');
my ($node, $fake) = @$server{qw(node fake)};
$fake->start_contracts('telnyx', 'resend');
$node->append_conf('postgresql.conf', "cloudgreet.${_}_url = '" . $fake->contract_url($_) . "'") foreach 'telnyx', 'resend';
$node->restart;

# By the specification a webhook_url names a public host, and this one does not.
my $refused = $server->text('+12125550188', 'from a server at home');
ok($server->reaches($refused, 'dead'), 'a text that the specification forbids is refused');
is(scalar($fake->log), 0, 'by the proxy: the fake has not seen it');

$server->sql("ALTER SYSTEM SET cloudgreet.public_url = 'https://db.example.com'");
my $account = $server->sql("SELECT id FROM cloudgreet.provider_accounts WHERE provider = 'resend'");
$fake->set(webhook_origins => { 'https://db.example.com' => "http://127.0.0.1:$server->{port}" },
	webhook_urls => { resend => "https://db.example.com/api/resend/webhook/$account" });
$node->reload;
until_true('the setting', sub { $server->sql('SHOW cloudgreet.public_url') eq 'https://db.example.com' });
my $to = "business_id => '$server->{business}'";
my @messages = (
	$server->text('+12125550188', 'You are booked.'),
	$server->sql("SELECT cloudgreet.send_sms('+12125550189', repeat('Ж', 600), from_number => '+12125550123', $to)"),
	$server->email('ann@example.org', 'Your appointment'),
	$server->sql("SELECT cloudgreet.send_email('ann\@example.org', '\"Ä\"', E'two\\nlines', reply_to => 'desk\@example.com', $to)"));
ok($server->reaches($_, 'done'), 'a message passes') foreach @messages;
ok($node->poll_query_until('postgres', q{SELECT bool_and(status = 'delivered') AND count(*) = 4 FROM
	(SELECT status FROM cloudgreet.sms_messages WHERE status <> 'failed' UNION ALL SELECT status FROM cloudgreet.emails) m}), 'and its events come back');
is(join(' ', map { $_->{path} } $fake->violations), '', 'the providers had nothing to complain about');
$node->stop;
done_testing();

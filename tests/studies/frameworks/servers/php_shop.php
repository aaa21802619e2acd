<?php
// A shop on PHP's own sessions, whose garbage collector ends them at each start of another.
//
//     LEDGER=file LIFETIME_S=3 php -S 127.0.0.1:PORT php_shop.php
//
// A session is over once a collection finds its file older than `session.gc_maxlifetime`. In strict
// mode a cookie that names none gets another name.

function note(array $line): void
{
    file_put_contents(getenv('LEDGER'), json_encode($line) . "\n", FILE_APPEND | LOCK_EX);
}

function digest(string $name): string
{
    return substr(hash('sha256', $name), 0, 16);
}

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/favicon.ico') {
    http_response_code(404);
    exit;
}
$asked = $_COOKIE['PHPSESSID'] ?? null;
session_start();
if (!isset($_SESSION['began'])) {
    if ($asked !== null && $asked !== session_id()) {
        note(['event' => 'end', 'session' => digest($asked), 'why' => 'expired']);
    }
    $_SESSION['began'] = time();
    $client = $_SERVER['HTTP_X_CLIENT'] ?? $_SERVER['HTTP_USER_AGENT'] ?? null;
    note(['event' => 'begin', 'session' => digest(session_id()), 'client' => $client]);
}
$_SESSION['seen'] = microtime(true);

$posted = $_SERVER['REQUEST_METHOD'] === 'POST';
if ($path === '/login' && $posted) {
    $old = session_id();
    session_regenerate_id(true);
    note(['event' => 'renew', 'session' => digest($old), 'successor' => digest(session_id())]);
    $_SESSION['user'] = $_POST['user'];
    header('Location: /cart', true, 303);
} elseif ($path === '/logout' && $posted) {
    note(['event' => 'end', 'session' => digest(session_id()), 'why' => 'logout']);
    session_destroy();
    setcookie('PHPSESSID', '', ['expires' => time() - 3600, 'path' => '/']);
    header('Location: /', true, 303);
} elseif ($path === '/cart' && !isset($_SESSION['user'])) {
    header('Location: /login', true, 303);
} elseif ($path === '/cart' && $posted) {
    $_SESSION['cart'] = ($_SESSION['cart'] ?? 0) + 1;
    header('Location: /cart', true, 303);
} else {
    $items = $_SESSION['cart'] ?? 0;
    echo "<!doctype html><h1>$items items</h1><form method='post'><input name='user'></form>";
}

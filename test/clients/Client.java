import java.io.ByteArrayInputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Client.java HOST: what Java's own HTTP client does at the front door, a line each. It offers to go on in HTTP/2 with every request (Upgrade: h2c).
 * It goes through a port of ours, where its connections are counted.
 */
class Client {
    public static void main(String[] arguments) throws Exception {
        var counted = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        var connections = new AtomicInteger();
        daemon(() -> {
            for (;;) {
                var near = counted.accept();
                connections.incrementAndGet();
                var far = new Socket(InetAddress.getLoopbackAddress(), 80);
                daemon(() -> pass(near, far));
                daemon(() -> pass(far, near));
            }
        });
        var host = arguments[0] + ":" + counted.getLocalPort();
        var base = "http://" + host;
        var client = HttpClient.newHttpClient();
        for (int i = 0; i < 3; i++) {
            var got = client.send(HttpRequest.newBuilder(URI.create(base + "/hello")).build(), BodyHandlers.ofString());
            System.out.println("get " + got.statusCode() + " " + got.version() + " " + got.body().contains("\"path\": \"/hello\""));
        }
        System.out.println("connections " + connections.get());
        var bytes = new byte[5_000_000];
        Arrays.fill(bytes, (byte) 7);
        var sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        // In chunks, and only when the program has said that it wants them.
        var put = HttpRequest.newBuilder(URI.create(base + "/upload")).expectContinue(true).POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))).build();
        System.out.println("post " + client.send(put, BodyHandlers.ofString()).body().contains(sum));
        var big = client.send(HttpRequest.newBuilder(URI.create(base + "/big/5000192")).build(), BodyHandlers.ofByteArray());
        System.out.println("big " + big.body().length);
        System.out.println("connections " + connections.get());
        var said = new CompletableFuture<String>();
        var socket = client.newWebSocketBuilder().buildAsync(URI.create("ws://" + host + "/ws"), new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
                said.complete(data.toString());
                return WebSocket.Listener.super.onText(socket, data, last);
            }

            @Override
            public void onError(WebSocket socket, Throwable error) {
                said.completeExceptionally(error);
            }
        }).join();
        socket.sendText("hello", true).join();
        System.out.println("websocket " + said.get());
        socket.abort();
    }

    private static void daemon(Callable<Void> act) {
        var thread = new Thread(() -> {
            try {
                act.call();
            } catch (Exception error) {
                // Either side has ended: the client says what it makes of that.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static Void pass(Socket from, Socket to) throws Exception {
        from.getInputStream().transferTo(to.getOutputStream());
        to.shutdownOutput();
        return null;
    }
}

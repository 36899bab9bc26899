import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Client.java HOST: what Java's own HTTP client does there, a line each. It offers to go on in HTTP/2 with every request (Upgrade: h2c). */
class Client {
    public static void main(String[] arguments) throws Exception {
        var base = "http://" + arguments[0];
        var client = HttpClient.newHttpClient();
        for (int i = 0; i < 3; i++) {
            var got = client.send(HttpRequest.newBuilder(URI.create(base + "/hello")).build(), BodyHandlers.ofString());
            System.out.println("get " + got.statusCode() + " " + got.version() + " " + got.body().contains("\"path\": \"/hello\""));
        }
        var bytes = new byte[5_000_000];
        Arrays.fill(bytes, (byte) 7);
        var sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        // In chunks, and only when the program has said that it wants them.
        var put = HttpRequest.newBuilder(URI.create(base + "/upload")).expectContinue(true).POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(bytes))).build();
        System.out.println("post " + client.send(put, BodyHandlers.ofString()).body().contains(sum));
        var big = client.send(HttpRequest.newBuilder(URI.create(base + "/big/5000192")).build(), BodyHandlers.ofByteArray());
        System.out.println("big " + big.body().length);
        var said = new CompletableFuture<String>();
        var socket = client.newWebSocketBuilder().buildAsync(URI.create("ws://" + arguments[0] + "/ws"), new WebSocket.Listener() {
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
}

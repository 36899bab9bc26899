// client.go HOST: what Go's HTTP client does there, a line each. It dials by itself, so that its connections are counted.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	if err := talk(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func talk(host string) error {
	var connections atomic.Int32
	dialer := net.Dialer{}
	// Longer than a program may take to say that it wants a body: until then none of it is sent.
	transport := &http.Transport{ExpectContinueTimeout: time.Minute, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		connections.Add(1)
		return dialer.DialContext(ctx, network, address)
	}}
	client := &http.Client{Transport: transport}
	base := "http://" + host

	// All before it is awake.
	var group sync.WaitGroup
	var served atomic.Int32
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if body, err := get(client, base+"/hello"); err == nil && bytes.Contains(body, []byte(`"path": "/hello"`)) {
				served.Add(1)
			}
		}()
	}
	group.Wait()
	fmt.Println("at once", served.Load())

	transport.CloseIdleConnections()
	connections.Store(0)
	for i := 0; i < 3; i++ {
		if _, err := get(client, base+"/hello"); err != nil {
			return err
		}
	}
	sent := bytes.Repeat([]byte{7}, 5_000_000)
	// A reader whose length is not known: in chunks.
	post, err := http.NewRequest("POST", base+"/upload", io.MultiReader(bytes.NewReader(sent)))
	if err != nil {
		return err
	}
	post.Header.Set("Expect", "100-continue")
	answer, err := read(client.Do(post))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(sent)
	fmt.Println("post", bytes.Contains(answer, []byte(hex.EncodeToString(sum[:]))))
	big, err := get(client, base+"/big/5000192")
	if err != nil {
		return err
	}
	fmt.Println("big", len(big))
	fmt.Println("connections", connections.Load())
	said, err := echo(client, base+"/ws", "hello")
	if err != nil {
		return err
	}
	fmt.Println("websocket", said)
	return nil
}

func get(client *http.Client, url string) ([]byte, error) {
	return read(client.Get(url))
}

func read(response *http.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	return body, err
}

// Go has no WebSocket of its own; what it gives to those that others have written is the connection behind 101.
func echo(client *http.Client, url string, text string) (string, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "websocket")
	request.Header.Set("Sec-WebSocket-Version", "13")
	request.Header.Set("Sec-WebSocket-Key", base64.StdEncoding.EncodeToString(make([]byte, 16)))
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	connection, ok := response.Body.(io.ReadWriteCloser)
	if response.StatusCode != http.StatusSwitchingProtocols || !ok {
		return "", errors.New(response.Status)
	}
	defer connection.Close()
	// RFC 6455 5.2: text, whole, masked with zeros.
	frame := append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
	if _, err := connection.Write(frame); err != nil {
		return "", err
	}
	got := make([]byte, 2+len(text))
	if _, err := io.ReadFull(connection, got); err != nil {
		return "", err
	}
	return string(got[2:]), nil
}

// Command pstest serves Google's own in-memory Pub/Sub, the package pstest, on 127.0.0.1.
//
// It prints its address, then answers each line of its standard input with one line:
//
//	advance SECONDS     moves the clock on                        -> ok
//	counts TOPIC        messages of a topic, as far as they went  -> PUBLISHED ACKED DELIVERED
//
// and ends when its standard input does. Time stands still but for one nanosecond a look, so that
// no lease ends by itself and no two messages have the same publish time, by which pstest keeps
// the messages of an ordering key in order.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	pb "cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// A message of Pub/Sub may have 10 MB; gRPC takes 4 MiB by default, and so does pstest's own
// listener. That is why the service is registered with a server of ours.
const maxRequestBytes = 64 << 20

func main() {
	log.SetFlags(0)
	fake := pstest.NewServerWithAddress("127.0.0.1:0")
	defer fake.Close()
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	fake.SetTimeNowFunc(func() time.Time { return time.Unix(0, now.Add(1)) })

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(
		grpc.MaxRecvMsgSize(maxRequestBytes),
		// google-cloud-pubsub pings every 30 s, which gRPC's default takes for abuse.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: time.Second, PermitWithoutStream: true,
		}),
	)
	pb.RegisterPublisherServer(server, &fake.GServer)
	pb.RegisterSubscriberServer(server, &fake.GServer)
	go func() { log.Fatal(server.Serve(listener)) }()
	fmt.Println(listener.Addr())

	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		fmt.Println(carryOut(strings.Fields(commands.Text()), fake, &now))
	}
}

func carryOut(command []string, fake *pstest.Server, now *atomic.Int64) string {
	if len(command) != 2 {
		return "error: a command and its argument are expected"
	}
	switch command[0] {
	case "advance":
		seconds, err := strconv.ParseFloat(command[1], 64)
		if err != nil {
			return "error: " + err.Error()
		}
		now.Add(int64(seconds * float64(time.Second)))
		return "ok"
	case "counts":
		published, acked, delivered := 0, 0, 0
		for _, message := range fake.Messages() {
			if message.Topic != command[1] {
				continue
			}
			published++
			acked += message.Acks
			delivered += message.Deliveries
		}
		return fmt.Sprint(published, " ", acked, " ", delivered)
	}
	return "error: unknown command " + command[0]
}

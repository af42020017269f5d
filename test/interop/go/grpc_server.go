package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"

	"causeway.test/kinds/gen/kindspb"
)

// grpcServer serves Kinds on a free port, prints the port, and ends when its standard input does.
func grpcServer() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	kinds := &grpcHandler{}
	service := kindsService()
	description := &grpc.ServiceDesc{ServiceName: string(service.FullName())}
	for i := range service.Methods().Len() {
		description.Methods = append(description.Methods, kinds.describe(service.Methods().Get(i)))
	}
	server := grpc.NewServer()
	server.RegisterService(description, nil)
	reflection.Register(server)
	fmt.Println("ready", listener.Addr().String())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := server.Serve(listener); err != nil {
		fail(err)
	}
}

type grpcHandler struct {
	lock  sync.Mutex
	notes []string
}

func (h *grpcHandler) describe(method protoreflect.MethodDescriptor) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: string(method.Name()),
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			request, response := messageOf(method.Input()), messageOf(method.Output())
			if err := decode(request); err != nil {
				return nil, err
			}
			return response, h.answer(request, response)
		},
	}
}

// answer fills the response: what is not named here returns what it is given.
func (h *grpcHandler) answer(request, response proto.Message) error {
	switch request := request.(type) {
	case *kindspb.BasicWhoArgs:
		response.(*kindspb.BasicWhoResult).Success = proto.String("grpc-go")
	case *kindspb.KindsSumArgs:
		sum := int64(request.GetFirst()) + request.GetSecond()
		for _, other := range request.GetOthers() {
			sum += int64(other)
		}
		response.(*kindspb.KindsSumResult).Success = &sum
	case *kindspb.KindsFailArgs:
		response.(*kindspb.KindsFailResult).Success = request.How
		return failure(request.GetHow())
	case *kindspb.KindsCheckArgs:
		if !request.GetGood() {
			return failure(kindspb.Failure_FAILURE_REFUSED)
		}
	case *kindspb.KindsNoteArgs:
		h.lock.Lock()
		defer h.lock.Unlock()
		h.notes = append(h.notes, request.GetText())
	case *kindspb.KindsNotesArgs:
		h.lock.Lock()
		defer h.lock.Unlock()
		response.(*kindspb.KindsNotesResult).Success = append([]string{}, h.notes...)
	default:
		return echoMessage(request, response)
	}
	return nil
}

// echoMessage goes by way of the bytes: value and success have the same number, but types of their own.
func echoMessage(request, response proto.Message) error {
	bytes, err := proto.Marshal(request)
	if err != nil {
		return err
	}
	return proto.Unmarshal(bytes, response)
}

func failure(how kindspb.Failure) error {
	switch how {
	case kindspb.Failure_FAILURE_NOT_FOUND:
		what, id := "shelf", int64(9007199254740993)
		return exception(codes.NotFound, &kindspb.NotFound{What: &what, Id: &id})
	case kindspb.Failure_FAILURE_REFUSED:
		refused := `reason: "closed" color: 4 where: [{ x: 1 y: -1 }, { x: 2 y: -2 }]`
		return exception(codes.FailedPrecondition, parse(refused, &kindspb.Refused{}))
	case kindspb.Failure_FAILURE_PLAIN:
		return exception(codes.Unknown, &kindspb.Plain{Message: proto.String("plainly wrong")})
	case kindspb.Failure_FAILURE_UNEXPECTED:
		return status.Error(codes.Internal, "the shelf fell over")
	}
	return nil
}

// exception is the status that stands for a declared exception.
func exception(code codes.Code, detail proto.Message) error {
	message := fmt.Sprintf("%s was thrown", detail.ProtoReflect().Descriptor().Name())
	with, err := status.New(code, message).WithDetails(protoadapt.MessageV1Of(detail))
	if err != nil {
		return err
	}
	return with.Err()
}
